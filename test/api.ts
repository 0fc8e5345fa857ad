/** A small client of the gateway's API, and the specs that many tests begin with. */
import { exports } from "cloudflare:workers";
import { secretPath, watch, webhookSecret } from "./secrets";

/** Where Orchest's nine paths are. */
export const notifications = "/api/notifications";

/** A webhook spec that is right. */
export const spec = {
  url: `https://hooks.example.com/services/T000/${secretPath}`,
  name: "Alerts",
  verify_ssl: true,
  content_type: "application/json",
  secret: webhookSecret,
};

/** An answer, read. `body` is what its JSON says. */
export type Answer<Body> = { status: number; headers: Headers; text: string; body: Body };

/**
 * Calls the API.
 * @param body Sent as JSON; a string is sent as it is.
 * @param options.token Another token, or null for none.
 */
export async function api<Body = { message: string }>(
  method: string,
  path: string,
  body?: unknown,
  options: { token?: string | null; headers?: Record<string, string> } = {},
): Promise<Answer<Body>> {
  const { token = "test-token-of-the-suite", headers = {} } = options;
  const response = await exports.default.fetch(
    new Request(`http://gateway.test${path}`, {
      method,
      headers: {
        ...(token !== null && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    }),
  );
  const text = await response.text();
  watch(`the answer to ${method} ${path}`, text);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test says what it expects, and then checks it
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as Body };
}

/** A webhook as it is given back. */
export type WebhookAnswer = {
  uuid: string;
  type: string;
  url: string;
  name: string;
  verify_ssl: boolean;
  content_type: string;
  subscriptions: {
    uuid: string;
    subscriber_uuid: string;
    event_type: string;
    project_uuid: string | null;
    job_uuid: string | null;
  }[];
  ordering: string;
  retry: { max_attempts: number | null; max_age_s: number | null };
  format: string;
  format_options: Record<string, string>;
  template: string | null;
  state: string;
  disabled_reason: string | null;
};

/** Makes a webhook of `spec` with `changes`. */
export async function makeWebhook(changes: Record<string, unknown> = {}): Promise<WebhookAnswer> {
  const path = `${notifications}/subscribers/webhooks`;
  const { status, body, text } = await api<WebhookAnswer>("POST", path, { ...spec, ...changes });
  if (status !== 201) throw new Error(`No webhook was made: ${text}`);
  return body;
}

/** Reads a webhook with its subscriptions. */
export async function readWebhook(uuid: string): Promise<WebhookAnswer> {
  const { body } = await api<WebhookAnswer>("GET", `${notifications}/subscribers/${uuid}`);
  return body;
}
