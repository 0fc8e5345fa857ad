/** Events for tests, publishing them, and webhooks that are subscribed to them. */
import { env } from "cloudflare:workers";
import { type Answer, api, makeWebhook, type WebhookAnswer } from "./api";

/** An event of Orchest's, as a publisher writes it. */
export function makeEvent(changes: Record<string, unknown> = {}): Record<string, unknown> & { uuid: string } {
  return {
    uuid: crypto.randomUUID(),
    type: "project:created",
    timestamp: "2022-06-02 16:12:25.242592+00:00",
    ...changes,
  };
}

/** So many events, told apart by `place`, from 0. */
export function makeEvents(count: number): ReturnType<typeof makeEvent>[] {
  return Array.from({ length: count }, (_, place) => makeEvent({ place }));
}

export type AcceptedAnswer = { accepted: { uuid: string; duplicate: boolean; deliveries: number }[] };

/** Publishes over HTTPS; a string is sent as it is. */
export function publish(body: unknown): Promise<Answer<AcceptedAnswer & { message?: string }>> {
  return api("POST", "/api/events", body);
}

/** The request that publishes, for tests that hand it to the Worker themselves. */
export function publishRequest(body: unknown): Request {
  return new Request("http://gateway.test/api/events", {
    method: "POST",
    headers: { Authorization: "Bearer test-token-of-the-suite", "Content-Type": "application/json" },
    body: body instanceof Uint8Array ? body : JSON.stringify(body),
  });
}

/** Creates a webhook that is subscribed to `project:created`, the type of `makeEvent`. */
export function makeListener(changes: Record<string, unknown> = {}): Promise<WebhookAnswer> {
  return makeWebhook({ subscriptions: [{ event_type: "project:created" }], ...changes });
}

/** What the archive holds, in order of acceptance. */
export async function archived(): Promise<{ uuid: string; body: string }[]> {
  const { results } = await env.DB.prepare("SELECT uuid, body FROM events ORDER BY id").all<{
    uuid: string;
    body: string;
  }>();
  return results;
}

/** Puts an event of the type of `makeEvent` into the archive and into no lane, as a crash in between would. */
export async function archiveOnly(event: { uuid: string }): Promise<void> {
  const row = [event.uuid, "project:created", null, null, "", JSON.stringify(event)];
  await env.DB.prepare("INSERT INTO archive_requests (accepted_at, events) VALUES (?, ?)")
    .bind(Date.now(), JSON.stringify([row]))
    .run();
}

/** The event's text in a body that a receiver got as JSON: everything behind `"event":` and before the end. */
export function eventTextIn(body: string): string {
  return body.slice(body.indexOf(',"event":') + ',"event":'.length, -1);
}

/** The uuids of the events in bodies that a receiver got as JSON. */
export function eventUuidsIn(received: { body: string }[]): string[] {
  return received.map(({ body }) => {
    const { event } = JSON.parse(body) as { event: { uuid: string } };
    return event.uuid;
  });
}
