/** `POST /subscribers/{uuid}/deliveries/{delivery}/redeliver`: sends a delivery again. */
import { createRoute } from "@hono/zod-openapi";
import { operationOf } from "../../auth/operation";
import { changeDelivery } from "../../webhooks/change-delivery";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { deliveryInPath, refusedChange } from "./delivery-in-path";
import { deliveryParamsSchema } from "./schemas";

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/{uuid}/deliveries/{delivery}/redeliver",
  security: needs("webhooks:write"),
  tags: ["Deliveries"],
  summary: "Send a delivery again",
  description:
    "One that waits for a retry at the head of its line is tried now. A finished one, delivered or dead, is sent again under its uuid, beside the line.",
  request: { params: deliveryParamsSchema },
  responses: {
    202: messageAnswer("It is being sent."),
    404: messageAnswer("There is no such webhook or delivery."),
    409: messageAnswer("It waits behind another one, or the webhook is paused or disabled."),
  },
});

/** Adds the endpoint to `router`. */
export function redeliverDelivery(router: Router): void {
  router.openapi(route, async (c) => {
    const params = c.req.valid("param");
    const result = await changeDelivery(operationOf(c), await deliveryInPath(c.env, params), "redeliver");
    if (result !== "done") throw refusedChange(result, params.delivery);
    return c.json({ message: `Delivery ${params.delivery} is sent again.` }, 202);
  });
}
