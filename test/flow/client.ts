/** A small client of the gateway's API. */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { GatewayAddress } from "./gateway.ts";

/** The webhook as the API gives it back. */
export type Webhook = {
  uuid: string;
  type: string;
  url: string;
  name: string;
  verify_ssl: boolean;
  content_type: string;
  state: string;
  disabled_reason: string | null;
  subscriptions: {
    uuid: string;
    subscriber_uuid: string;
    event_type: string;
    project_uuid: string | null;
    job_uuid: string | null;
  }[];
};

/** One call with the token. A text is sent as it stands, any other body as JSON. */
export async function call(
  gateway: GatewayAddress,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; json: unknown }> {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${gateway.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${gateway.token}`, "Content-Type": "application/json" },
    ...(text === undefined ? {} : { body: text }),
  });
  return { status: response.status, json: await response.json() };
}

/** Creates a webhook that subscribes to `eventTypes` of everything. */
export async function createWebhook(
  gateway: GatewayAddress,
  spec: {
    url: string;
    secret?: string;
    content_type?: string;
    headers?: Record<string, string>;
    name?: string;
    timeout_s?: number;
    rate_limit_per_s?: number;
    egress?: string;
    eventTypes: string[];
  },
): Promise<Webhook> {
  const { eventTypes, ...rest } = spec;
  const subscriptions = eventTypes.map((event_type) => ({ event_type }));
  const path = "/api/notifications/subscribers/webhooks";
  const { status, json } = await call(gateway, "POST", path, {
    name: "flow",
    verify_ssl: false,
    // The longest that there is: nothing ends by time which is not meant to, however slow the machine is.
    timeout_s: 30,
    ...rest,
    subscriptions,
  });
  expect(status).toBe(201);
  return json as Webhook;
}

/** The path of a webhook, and of what belongs to it. */
export function webhookPath({ uuid }: { uuid: string }, rest = ""): string {
  return `/api/notifications/subscribers/${uuid}${rest}`;
}

/** An event of this type with a uuid of its own. */
export function makeEvent(type: string): { uuid: string; type: string; timestamp: string } {
  return { uuid: randomUUID(), type, timestamp: new Date().toISOString() };
}

/** Publishes `body`, JSON text as it stands or a value; fails unless it is accepted. */
export async function publish(gateway: GatewayAddress, body: unknown): Promise<void> {
  const { status, json } = await call(gateway, "POST", "/api/events", body);
  expect({ status, json }).toMatchObject({ status: 202 });
}

/** Publishes `body` to a gateway that may be down; only true says that it was accepted. */
export async function isAccepted(gateway: GatewayAddress, body: unknown): Promise<boolean> {
  const answer = await call(gateway, "POST", "/api/events", body).catch(() => undefined);
  return answer?.status === 202;
}
