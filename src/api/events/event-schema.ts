/** An event in requests, for the OpenAPI document. Events are parsed by `events/parse-events.ts`. */
import { z } from "@hono/zod-openapi";

/** An event as a publisher may write it. */
export const exampleEvent = {
  uuid: "0b6a4a0e-2f4a-4df0-8d0f-5d1f3c9b7a11",
  type: "project:one-off-job:pipeline-run:failed",
  timestamp: "2022-06-02 16:12:25.242592+00:00",
  project: {
    uuid: "5f1c0f1a-7b66-4e0b-9a35-0f3b0a3f9a22",
    name: "Churn prediction",
    job: { uuid: "a7f5c1d2-3b44-4b8a-8c8e-2d9f4e5a6b33", name: "Retrain on last quarter" },
  },
};

const uuidSchema = z.guid().optional();

/** An event. Other members are delivered as they are. */
export const eventSchema = z
  .looseObject({
    uuid: z.guid().optional().openapi({
      description:
        "Absent: the gateway generates one and returns it. Without a uuid and without an Idempotency-Key, a repeated request publishes a new event.",
    }),
    type: z.string().openapi({ description: "One of Orchest's event types." }),
    timestamp: z.string().optional().openapi({
      description:
        "A time in the format of RFC 3339, ISO 8601 or Python. Absent: the time of acceptance, which is returned.",
    }),
    project: z
      .looseObject({ uuid: uuidSchema, job: z.looseObject({ uuid: uuidSchema }).optional() })
      .optional()
      .openapi({ description: "Subscriptions to one project or job are matched by these uuids." }),
  })
  .openapi("Event", {
    description: "Delivered unchanged, character for character.",
    example: exampleEvent,
  });

/**
 * The component `Events`, the body of a publish request: one event, or several. It is a plain schema, because the body
 * is not parsed by a schema. It is a component, because oapi-codegen's code sends `{}` for a union without a name.
 */
export const eventsSchema = {
  oneOf: [
    { $ref: "#/components/schemas/Event" },
    { type: "array" as const, minItems: 1, maxItems: 100, items: { $ref: "#/components/schemas/Event" } },
  ],
};
