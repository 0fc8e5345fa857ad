/** Many webhooks that match nothing that a case publishes: written to D1 at once, and pulled by the event shards. */
import type { Gateway } from "./gateway.ts";
import { eventType, nowMs, sampleEvent } from "./sample-event.ts";

/** Each of another project, of no case. */
export const subscriptionsEach = 10;
const firstProject = 1_000_000;
const pullMaxMs = 120_000;

/** Adds `count` webhooks. When it returns, every shard matches by them. @throws when that takes minutes. */
export async function addWebhooks(gateway: Gateway, count: number): Promise<void> {
  const db = await gateway.worker.miniflare.getD1Database("DB");
  await db
    .prepare(
      `WITH RECURSIVE place(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM place WHERE n < ?1)
       INSERT INTO webhooks (uuid, name, origin, sealed, verify_ssl, content_type, created_at)
       SELECT lower(hex(randomblob(16))), 'bench-others', 'http://127.0.0.1', '', 0, 'application/json', 0 FROM place`,
    )
    .bind(count)
    .run();
  await db
    .prepare(
      `WITH RECURSIVE place(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM place WHERE n < ?2 - 1)
       INSERT INTO subscriptions (uuid, webhook_id, event_type, project_uuid, created_at)
       SELECT lower(hex(randomblob(16))), w.id, ?1,
         '00000000-0000-4000-8000-' || printf('%012d', ?3 + w.id * ?2 + n), 0
       FROM webhooks w CROSS JOIN place WHERE w.name = 'bench-others'`,
    )
    .bind(eventType, subscriptionsEach, firstProject)
    .run();
  await bringToShards(gateway);
}

/** Removes them. When it returns, no shard knows any of them. @throws when that takes minutes. */
export async function removeAdded(gateway: Gateway): Promise<void> {
  const db = await gateway.worker.miniflare.getD1Database("DB");
  await db.prepare("DELETE FROM webhooks WHERE name = 'bench-others'").run();
  await bringToShards(gateway);
}

/** D1 was changed behind the shards' backs: a change that is announced brings them all of it. */
async function bringToShards(gateway: Gateway): Promise<void> {
  const announced = await gateway.makeWebhook({ url: "http://127.0.0.1", project: firstProject - 1 });
  await untilPulled(gateway);
  await gateway.removeWebhooks([announced]);
}

/** Publishes until each shard took a few: one that pulls takes none. */
async function untilPulled(gateway: Gateway): Promise<void> {
  const deadline = Date.now() + pullMaxMs;
  for (let accepted = 0; accepted < 50;) {
    if (Date.now() > deadline) throw new Error("The event shards do not get the webhooks.");
    accepted = (await publishNobodys(gateway, 1)).ok ? accepted + 1 : 0;
  }
}

/** Publishes events that match no webhook, in one request. @returns the answer, read to its end. */
export function publishNobodys(gateway: Gateway, count: number): Promise<Response> {
  return gateway.publish(Array.from({ length: count }, nobodysEvent));
}

function nobodysEvent(): string {
  return sampleEvent({ project: firstProject - 2, sentAtMs: nowMs() });
}
