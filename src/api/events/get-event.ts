/** `GET /api/events/{uuid}`: an event as it was published, with its deliveries. */
import { createRoute, type RouteConfigToTypedResponse, z } from "@hono/zod-openapi";
import { mayReadTexts } from "../../auth/scopes";
import { findEvent } from "../../events/find-event";
import { RequestError } from "../../platform/errors";
import { deliveryResponse } from "../deliveries/delivery-response";
import { deliverySchema } from "../deliveries/schemas";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { archivedEventResponse, archivedEventSchema } from "./archived-event";
import { deliveriesOf, type DeliveryOfWebhook } from "../../events/deliveries-of-event";
import { publisherName } from "../../auth/publisher-name";

const fullEventSchema = z
  .object({
    ...archivedEventSchema.shape,
    published_by: z.string().nullable().openapi({
      description:
        "Who published the event first: token:<id>, bootstrap:<hash prefix of a token in API_TOKENS>, access:<e-mail>, orchest, queue, or gateway for webhook:* events. Null for events from before this was recorded.",
    }),
    published_by_name: z.string().nullable().openapi({ description: "The publisher's current name." }),
    deliveries: z.array(
      z.object({ webhook_uuid: z.string(), webhook_name: z.string(), ...deliverySchema.shape }),
    ),
    complete: z.boolean().openapi({
      description:
        "Whether deliveries contains all of them. False when there are too many webhooks to ask, or one did not respond.",
    }),
    event: z.unknown().openapi({
      description: "The event, exactly as it was published. Null without the scope deliveries:read.",
    }),
  })
  .openapi("FullEvent");

type FullEvent = z.output<typeof fullEventSchema>;

const route = createRoute({
  method: "get",
  path: "/api/events/{uuid}",
  operationId: "getEvent",
  security: requiresScope("webhooks:read"),
  tags: ["Events"],
  summary: "Get an event and its deliveries",
  description: "The field event needs the scope deliveries:read.",
  request: {
    params: z.object({ uuid: z.string().toLowerCase().openapi({ description: "The event's uuid." }) }),
  },
  responses: {
    200: { description: "The event.", content: { "application/json": { schema: fullEventSchema } } },
    404: messageResponse("The event is not in the archive, or no longer."),
  },
});

/** Adds the endpoint to `router`. */
export function getEvent(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = c.req.valid("param");
    const event = await findEvent(c.env, uuid);
    if (event === null) throw new RequestError(404, `Event ${uuid} is not in the archive.`);
    const [{ deliveries, complete }, publishedByName] = await Promise.all([
      deliveriesOf(c.env, event),
      publisherName(c.env, event.publisher),
    ]);
    const described = {
      ...archivedEventResponse(event),
      published_by: event.publisher,
      published_by_name: publishedByName,
      deliveries: deliveries.map(namedDelivery),
      complete,
    };
    return withEvent(described, mayReadTexts(c.var.caller) ? event.body : "null");
  });
}

function namedDelivery({ webhook, delivery }: DeliveryOfWebhook): FullEvent["deliveries"][number] {
  const { uuid, name } = webhook;
  return { webhook_uuid: uuid, webhook_name: name, ...deliveryResponse(uuid, delivery) };
}

/** Inserts the event's text unchanged: parsing and serializing it would change `1.0` and large integers. */
function withEvent(described: Omit<FullEvent, "event">, eventText: string): EventResponse {
  const text = `${JSON.stringify(described).slice(0, -1)},"event":${eventText}}`;
  const headers = { "Content-Type": "application/json" };
  // Hono types only responses that it serializes itself.
  return new Response(text, { headers }) as EventResponse;
}

type EventResponse = Response & RouteConfigToTypedResponse<typeof route>;
