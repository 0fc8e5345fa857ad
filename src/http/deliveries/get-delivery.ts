/** `GET /subscribers/{uuid}/deliveries/{delivery}`: one delivery with its attempts and the latest request. */
import { createRoute } from "@hono/zod-openapi";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../router";
import { fullDeliveryAnswer } from "./delivery-answer";
import { deliveryInPath, unknownDelivery } from "./delivery-in-path";
import { deliveryParamsSchema, fullDeliverySchema } from "./schemas";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/{uuid}/deliveries/{delivery}",
  security: needs("webhooks:read"),
  tags: ["Deliveries"],
  summary: "One delivery in full",
  request: { params: deliveryParamsSchema },
  responses: {
    200: { description: "The delivery.", content: { "application/json": { schema: fullDeliverySchema } } },
    404: messageAnswer("There is no such webhook or delivery."),
  },
});

/** Adds the endpoint to `router`. */
export function getDelivery(router: Router): void {
  router.openapi(route, async (c) => {
    const params = c.req.valid("param");
    const { webhookUuid, lane, sequence } = await deliveryInPath(c.env, params);
    const delivery = await lane.delivery(sequence);
    if (delivery === null) throw unknownDelivery(params.delivery);
    return c.json(fullDeliveryAnswer(webhookUuid, delivery), 200);
  });
}
