/** `GET /subscribers/{uuid}/deliveries/{delivery}`: one delivery with its attempts and the latest request. */
import { createRoute } from "@hono/zod-openapi";
import { mayReadTexts } from "../../auth/scopes";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { fullDeliveryResponse } from "./delivery-response";
import { deliveryInPath, unknownDelivery } from "./delivery-in-path";
import { deliveryParamsSchema, fullDeliverySchema } from "./schemas";
import { withoutTexts } from "../../lane/shown-delivery";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/{uuid}/deliveries/{delivery}",
  operationId: "getDelivery",
  security: requiresScope("webhooks:read"),
  tags: ["Deliveries"],
  summary: "Get a delivery",
  description:
    "With its attempts and the latest request. The bodies and response headers need the scope deliveries:read.",
  request: { params: deliveryParamsSchema },
  responses: {
    200: { description: "The delivery.", content: { "application/json": { schema: fullDeliverySchema } } },
    404: messageResponse("There is no such webhook or delivery."),
  },
});

/** Adds the endpoint to `router`. */
export function getDelivery(router: Router): void {
  router.openapi(route, async (c) => {
    const params = c.req.valid("param");
    const { webhookUuid, lane, sequence } = await deliveryInPath(c.env, params);
    const delivery = await lane.delivery(sequence);
    if (delivery === null) throw unknownDelivery(params.delivery);
    const shown = mayReadTexts(c.var.caller) ? delivery : withoutTexts(delivery);
    return c.json(fullDeliveryResponse(webhookUuid, shown), 200);
  });
}
