/** `GET /api/events/{uuid}`: one event as it was published, and its deliveries. */
import { createRoute, type RouteConfigToTypedResponse, z } from "@hono/zod-openapi";
import { mayReadTexts } from "../../auth/scopes";
import { findArchived } from "../../events/archive-list";
import { RequestError } from "../../platform/errors";
import { deliveryAnswer } from "../deliveries/delivery-answer";
import { deliverySchema } from "../deliveries/schemas";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { archivedEventAnswer, archivedEventSchema } from "./archived-event";
import { deliveriesOf, type DeliveryOfWebhook } from "../../events/deliveries-of-event";
import { publisherName } from "../../auth/publisher-name";

const fullEventSchema = z
  .object({
    ...archivedEventSchema.shape,
    published_by: z.string().nullable().openapi({
      description:
        "Who published it first: token:<id>, bootstrap:<start of the hash of a token in API_TOKENS>, access:<e-mail>, orchest, queue, or gateway for webhook:* events. Null for events from before this was kept.",
    }),
    published_by_name: z.string().nullable().openapi({ description: "The name that it has now." }),
    deliveries: z.array(
      z.object({ webhook_uuid: z.string(), webhook_name: z.string(), ...deliverySchema.shape }),
    ),
    complete: z.boolean().openapi({
      description: "False when there are more webhooks than are asked at once, or one did not answer.",
    }),
    event: z.unknown().openapi({
      description:
        "The event, character for character as it was published; null without the scope deliveries:read.",
    }),
  })
  .openapi("FullEvent");

type FullEvent = z.output<typeof fullEventSchema>;

const route = createRoute({
  method: "get",
  path: "/api/events/{uuid}",
  security: needs("webhooks:read"),
  tags: ["Events"],
  summary: "One event, and its deliveries",
  description: "The event itself takes the scope deliveries:read.",
  request: { params: z.object({ uuid: z.string().toLowerCase() }) },
  responses: {
    200: { description: "The event.", content: { "application/json": { schema: fullEventSchema } } },
    404: messageAnswer("It is not in the archive (any more)."),
  },
});

/** Adds the endpoint. */
export function getEvent(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = c.req.valid("param");
    const event = await findArchived(c.env.DB, uuid);
    if (event === null) throw new RequestError(404, `Event ${uuid} is not in the archive.`);
    const [{ deliveries, complete }, publishedByName] = await Promise.all([
      deliveriesOf(c.env, event),
      publisherName(c.env, event.publisher),
    ]);
    const described = {
      ...archivedEventAnswer(event),
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
  return { webhook_uuid: uuid, webhook_name: name, ...deliveryAnswer(uuid, delivery) };
}

/** The event's text goes in as it is: reading and writing it anew would lose `1.0` and digits of large integers. */
function withEvent(described: Omit<FullEvent, "event">, eventText: string): EventAnswer {
  const text = `${JSON.stringify(described).slice(0, -1)},"event":${eventText}}`;
  const headers = { "Content-Type": "application/json" };
  // Hono knows the type of a body only where it writes it itself.
  return new Response(text, { headers }) as EventAnswer;
}

type EventAnswer = Response & RouteConfigToTypedResponse<typeof route>;
