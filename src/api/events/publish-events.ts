/** `POST /api/events`: publishes events. */
import { createRoute } from "@hono/zod-openapi";
import { jsonType } from "../json-body";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { newEventDefaults, repeatableDefaults } from "../../events/event-defaults";
import { idempotencyKey } from "../idempotency-key";
import { publish } from "../../events/publish";
import { decodeUtf8 } from "../../http/utf8";
import { acceptedSchema } from "./accepted-schema";
import { eventSchema, eventsSchema, exampleEvent } from "./event-schema";

const route = createRoute({
  method: "post",
  path: "/api/events",
  operationId: "publishEvents",
  security: requiresScope("events:publish"),
  tags: ["Events"],
  summary: "Publish events",
  description:
    "202 means that every delivery is stored, in order. Repeat the request after any 5xx, with the same uuids: no webhook gets an event twice because of the repeat.",
  middleware: jsonType,
  // Documented only: `checkIdempotencyKey` validates it.
  parameters: [
    {
      in: "header",
      name: "idempotency-key",
      required: false,
      description:
        "Up to 255 printable ASCII characters. Events without a uuid get one that is derived from the key, so that a repeat with the same key publishes no second event. Other POST endpoints refuse the header.",
      schema: { type: "string", pattern: "^[!-~]([ -~]{0,253}[!-~])?$" },
    },
  ],
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: { $ref: "#/components/schemas/Events" },
          examples: {
            one: { summary: "One event", value: exampleEvent },
            several: { summary: "Several", value: [exampleEvent, { type: "project:created" }] },
            smallest: {
              summary: "The gateway adds the uuid and the timestamp",
              value: { type: "project:created" },
            },
          },
        },
      },
    },
  },
  responses: {
    202: {
      description: "Accepted",
      content: { "application/json": { schema: acceptedSchema } },
    },
    400: messageResponse("An event is not valid. No event was accepted."),
    409: messageResponse("An earlier event has the same uuid and different content. No event was accepted."),
  },
});

/** Adds the endpoint to `router`. The body is read as bytes, not by a schema, because events are delivered unchanged. */
export function publishEvents(router: Router): void {
  router.openAPIRegistry.register("Event", eventSchema);
  router.openAPIRegistry.registerComponent("schemas", "Events", eventsSchema);
  router.openapi(route, async (c) => {
    const text = decodeUtf8(await c.req.arrayBuffer());
    const publisher = c.var.caller.id;
    const key = idempotencyKey(c);
    const defaults =
      key === null ? newEventDefaults() : await repeatableDefaults([publisher, key], Date.now());
    return c.json(await publish(c.env, text, { publisher, defaults }), 202);
  });
}
