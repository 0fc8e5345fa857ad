/** The section `webhooks` of the OpenAPI document: the requests that receivers get. */

type JsonSchema = { type: "string" | "integer"; [keyword: string]: unknown };

/** The headers of a request to a receiver: name, description, schema, and whether every request has the header. */
const headers: readonly [name: string, description: string, schema: JsonSchema, isAlways: boolean][] = [
  ["X-Orchest-Event", "The event type; ping for a test ping.", { type: "string" }, true],
  [
    "X-Orchest-Delivery",
    "The delivery's uuid, the same in every attempt: drop deliveries that were received before.",
    { type: "string", format: "uuid" },
    true,
  ],
  [
    "X-Orchest-Sequence",
    "The delivery's number within the webhook, from 1. Absent on pings.",
    { type: "integer", minimum: 1 },
    false,
  ],
  [
    "X-Orchest-Attempt",
    "The number of the attempt, from 1. Absent on pings.",
    { type: "integer", minimum: 1 },
    false,
  ],
  ["X-Orchest-Replay", "The replay that the delivery belongs to.", { type: "string" }, false],
  [
    "X-Hub-Signature",
    "The HMAC-SHA256 of the exact bytes of the body, with the secret's UTF-8 bytes as key, in lower-case hex.",
    { type: "string", pattern: "^[0-9a-f]{64}$" },
    true,
  ],
  [
    "X-Hub-Signature-256",
    "sha256= and the same hex.",
    { type: "string", pattern: "^sha256=[0-9a-f]{64}$" },
    true,
  ],
  ["webhook-id", "As X-Orchest-Delivery (Standard Webhooks).", { type: "string", format: "uuid" }, true],
  ["webhook-timestamp", "The time of the attempt, in seconds since 1970.", { type: "integer" }, true],
  [
    "webhook-signature",
    "v1, and the base64 HMAC-SHA256 of id.timestamp.body; several, separated by spaces, while the secret rotates.",
    { type: "string" },
    true,
  ],
];

const parameters = headers.map(([name, description, schema, required]) => ({
  name,
  in: "header",
  description,
  required,
  schema,
}));

const responses = {
  "2XX": { description: "The delivery has arrived. The body is kept for the log and not interpreted." },
  "410": { description: "The webhook is disabled." },
  default: {
    description:
      "The attempt failed; this includes redirects. It is retried later, and not before the time in Retry-After.",
  },
};

const deliveredFor = {
  type: "object",
  description: "The webhook, without its URL and subscriptions.",
  required: ["name", "verify_ssl", "content_type", "uuid", "type"],
  properties: {
    name: { type: "string" },
    verify_ssl: { type: "boolean" },
    content_type: { type: "string" },
    uuid: { type: "string", format: "uuid" },
    type: { type: "string", const: "webhook" },
  },
};

/**
 * It is not a component, because oapi-codegen removes components that no path refers to, and then uses them in its
 * code.
 */
const deliverySchema = {
  type: "object",
  description: "The body of a delivery. Chat services also get the fields that they display.",
  required: ["delivered_for", "event"],
  properties: {
    delivered_for: deliveredFor,
    event: { $ref: "#/components/schemas/Event" },
    text: { type: "string", description: "The message, for Slack and Teams." },
    content: { type: "string", description: "The message, for Discord." },
  },
};

const formSchema = {
  type: "object",
  description: "The same two members as two fields, each as JSON text.",
  required: ["delivered_for", "event"],
  properties: { delivered_for: { type: "string" }, event: { type: "string" } },
};

const cloudEventSchema = {
  type: "object",
  description: "A CloudEvent 1.0 in structured JSON, for webhooks with the format cloudevents.",
  required: ["specversion", "id", "source", "type"],
  properties: {
    specversion: { type: "string", const: "1.0" },
    id: { type: "string" },
    source: { type: "string" },
    type: { type: "string" },
  },
};

const serviceSchema = {
  description:
    "The message of a service (Slack, Teams, PagerDuty and others), or the body that a webhook's template makes.",
};

const exampleFor = {
  name: "Alerts",
  verify_ssl: true,
  content_type: "application/json",
  uuid: "694bfe1b-0f4a-4c2b-91b2-3f5f4b9c3a10",
  type: "webhook",
};

function receiverRequest({
  operationId,
  summary,
  description,
  event,
}: {
  operationId: string;
  summary: string;
  description: string;
  event: Record<string, unknown>;
}) {
  const value = { delivered_for: exampleFor, event };
  return {
    post: {
      operationId,
      tags: ["Receivers"],
      summary,
      description,
      security: [],
      parameters,
      requestBody: {
        required: true,
        content: {
          "application/json": { schema: deliverySchema, example: value },
          "application/x-www-form-urlencoded": { schema: formSchema },
          "application/cloudevents+json": { schema: cloudEventSchema },
          "*/*": { schema: serviceSchema },
        },
      },
      responses,
    },
  };
}

/** @param event an example event. @returns the section `webhooks`. */
export function receiverRequests(event: Record<string, unknown>): Record<string, unknown> {
  return {
    delivery: receiverRequest({
      operationId: "receiveDelivery",
      summary: "An event that the webhook is subscribed to",
      description:
        "The body has the webhook's format; the format orchest has the members delivered_for and event. Respond with a 2xx within 5 s, or the webhook's timeout_s. Verify a signature before parsing the body, and drop deliveries that were received before.",
      event,
    }),
    ping: receiverRequest({
      operationId: "receivePing",
      summary: "A test ping",
      description: "Sent when somebody tests a webhook. It is not retried, and not in the delivery log.",
      event: {
        uuid: "2f0c4f52-7f9e-4a52-9f0e-6c6f6a3f8f6e",
        type: "ping",
        timestamp: "2022-06-02 16:12:25.242592+00:00",
      },
    }),
  };
}
