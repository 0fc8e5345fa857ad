/** `POST /subscribers/{uuid}/deliveries/{delivery}/redeliver`: resends a delivery. */
import { createRoute } from "@hono/zod-openapi";
import { operationOf } from "../../auth/operation";
import { changeDelivery } from "../../webhooks/change-delivery";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { changeError, deliveryInPath } from "./delivery-in-path";
import { deliveryParamsSchema } from "./schemas";

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/{uuid}/deliveries/{delivery}/redeliver",
  operationId: "redeliverDelivery",
  security: requiresScope("webhooks:write"),
  tags: ["Deliveries"],
  summary: "Resend a delivery",
  description:
    "A delivery that waits for its retry, and is not blocked by an earlier one, is attempted now. A delivered or dead one is sent again with the same uuid, without blocking others.",
  request: { params: deliveryParamsSchema },
  responses: {
    202: messageResponse("The delivery is being sent."),
    404: messageResponse("There is no such webhook or delivery."),
    409: messageResponse("The delivery is blocked by an earlier one, or the webhook is paused or disabled."),
  },
});

/** Adds the endpoint to `router`. */
export function redeliverDelivery(router: Router): void {
  router.openapi(route, async (c) => {
    const params = c.req.valid("param");
    const result = await changeDelivery(operationOf(c), await deliveryInPath(c.env, params), "redeliver");
    if (result !== "done") throw changeError(result, params.delivery);
    return c.json({ message: `Delivery ${params.delivery} is being resent.` }, 202);
  });
}
