/** `POST /subscribers/{uuid}/deliveries/{delivery}/skip`: gives up a pending or failed delivery. */
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
  path: "/api/notifications/subscribers/{uuid}/deliveries/{delivery}/skip",
  operationId: "skipDelivery",
  security: requiresScope("webhooks:write"),
  tags: ["Deliveries"],
  summary: "Skip a delivery",
  description:
    "The delivery becomes dead at once, and those that it blocked are sent. It stays in the log and can be resent with redeliver.",
  request: { params: deliveryParamsSchema },
  responses: {
    202: messageResponse("The delivery is dead."),
    404: messageResponse("There is no such webhook or delivery."),
    409: messageResponse("The delivery is delivered or dead already."),
  },
});

/** Adds the endpoint to `router`. */
export function skipDelivery(router: Router): void {
  router.openapi(route, async (c) => {
    const params = c.req.valid("param");
    const result = await changeDelivery(operationOf(c), await deliveryInPath(c.env, params), "skip");
    if (result !== "done") throw changeError(result, params.delivery);
    return c.json({ message: `Delivery ${params.delivery} is dead now.` }, 202);
  });
}
