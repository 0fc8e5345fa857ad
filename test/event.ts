/** Events for tests, publishing them, and webhooks that are subscribed to them. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { findEvent } from "../src/events/find-event";
import { listEvents } from "../src/events/list-events";
import { parseEvents } from "../src/events/parse-events";
import { shardStub } from "../src/events/shard/shard-of";
import { publishToShards } from "../src/events/publish-to-shards";
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

/** What the archive holds, in order of acceptance. Two shards order what they accept within a millisecond only if it came in one request. */
export async function archived(): Promise<{ uuid: string; body: string }[]> {
  const { events } = await listEvents(env, { limit: 1000 });
  const found = await Promise.all(events.toReversed().map(({ uuid }) => findEvent(env, uuid)));
  return found.flatMap((event) => (event === null ? [] : { uuid: event.uuid, body: event.body }));
}

/** Puts an event of the type of `makeEvent` into the archive and into no lane, as a crash in between would. */
export async function archiveOnly(event: { uuid: string }): Promise<void> {
  const parsed = parseEvents(JSON.stringify(event));
  if ("reason" in parsed) throw new Error(parsed.reason);
  await publishToShards(env, parsed.events, "queue");
}

/** Puts events into the archive of the time before there were shards, as one request. */
export async function archiveAsBefore(events: readonly { uuid: string }[]): Promise<void> {
  const rows = events.map((event) => [event.uuid, "project:created", null, null, "", JSON.stringify(event)]);
  await env.DB.prepare("INSERT INTO archive_requests (accepted_at, events) VALUES (?, ?)")
    .bind(Date.now(), JSON.stringify(rows))
    .run();
}

/** Runs the alarm of every event shard that has one, now. */
export async function runShardAlarms(): Promise<void> {
  for (let shard = 0; shard < Number(env.EVENT_SHARDS); shard += 1) {
    await runDurableObjectAlarm(shardStub(env, shard));
  }
}

/** The changes of webhooks that an event shard was told of and has not applied yet. */
export function announcedTo(shard: number): Promise<unknown[]> {
  return runInDurableObject(shardStub(env, shard), (_, { storage: { sql } }) =>
    sql.exec("SELECT id FROM routing_announcements").toArray(),
  );
}

/** Waits until the event shards have applied all changes of webhooks, which they do behind the answers. */
export async function routingSettled(): Promise<void> {
  for (let shard = 0; shard < Number(env.EVENT_SHARDS); shard += 1)
    await vi.waitFor(async () => expect(await announcedTo(shard)).toEqual([]));
}

/** What waits in D1, in order: for the lane of one webhook, or for any. */
export async function waitingEvents(webhook?: string): Promise<string[]> {
  const { results } = await env.DB.prepare(
    `SELECT e.uuid FROM handovers h JOIN waiting_events e ON e.id = h.event_id
     JOIN webhooks w ON w.id = h.webhook_id AND w.uuid = coalesce(?, w.uuid) ORDER BY h.id`,
  )
    .bind(webhook ?? null)
    .all<{ uuid: string }>();
  return results.map(({ uuid }) => uuid);
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
