import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { Topic } from "../../../src/events/matching";
import { RoutingReplica } from "../../../src/events/shard/routing-replica";
import { inShard, insertWebhook, type Routing } from "./shard";

const created: Topic = { type: "project:created", projectUuid: null, jobUuid: null };
const failed: Topic = { type: "project:cron-job:run:failed", projectUuid: "p", jobUuid: "j" };

async function run(statement: string): Promise<void> {
  await env.DB.prepare(statement).run();
}

function subscribe(webhookId: number, eventType: string, project = "", job = ""): Promise<void> {
  return run(
    `INSERT INTO subscriptions (uuid, webhook_id, event_type, project_uuid, job_uuid, created_at)
     VALUES ('', ${webhookId}, '${eventType}', '${project}', '${job}', 0)`,
  );
}

/** Pulls. @returns per topic the uuids that match. */
async function matched({ replica, changes }: Routing, ...topics: Topic[]): Promise<string[][]> {
  changes.announce("test", Date.now());
  expect(await changes.current()).toBe(true);
  changes.withdraw("test");
  const matches = replica.match(topics);
  return topics.map((_, index) =>
    matches.filter(({ topic }) => topic === index).map(({ webhook }) => webhook.uuid),
  );
}

it("a replica matches as subscriptions say, by type, wildcard, project and job, in order of creation", async () => {
  await insertWebhook("type", "project:created", failed.type);
  await subscribe(await insertWebhook("project"), failed.type, "p");
  await subscribe(await insertWebhook("job"), failed.type, "p", "j");
  await subscribe(await insertWebhook("other project"), failed.type, "q");
  await subscribe(await insertWebhook("other job"), failed.type, "p", "k");
  await insertWebhook("one level", "project:cron-job:run:*");
  await insertWebhook("below", "project:**");
  await insertWebhook("all", "**", "project:created", "project:**");
  await insertWebhook("none");
  await insertWebhook("disabled", "**");
  await run("UPDATE webhooks SET state = 'disabled' WHERE uuid = 'disabled'");
  await insertWebhook("being deleted", "**");
  await run("UPDATE webhooks SET deleted_at = 1 WHERE uuid = 'being deleted'");
  await inShard("a", async (routing) => {
    expect(await matched(routing, created, failed, { ...created, type: "other" })).toEqual([
      ["type", "below", "all", "disabled"],
      ["type", "project", "job", "one level", "below", "all", "disabled"],
      ["all", "disabled"],
    ]);
    const matches = routing.replica.match([created, failed]);
    for (const { webhook } of matches) {
      const topics = matches.filter((one) => one.webhook.id === webhook.id).map(({ topic }) => topic);
      expect(routing.replica.matchOne(webhook.id, [created, failed]), webhook.uuid).toEqual(new Set(topics));
    }
  });
});

it("a match says the webhook's version, whether it waits, and since when its oldest subscription has stood", async () => {
  const id = await insertWebhook("a", "project:created");
  const since = await env.DB.prepare("SELECT routing_version AS at FROM subscriptions").first<number>("at");
  await subscribe(id, "**");
  await run("UPDATE webhooks SET version = 7, waits = 1");
  await inShard("a", async (routing) => {
    await matched(routing);
    expect(routing.replica.match([created])).toEqual([
      { topic: 0, webhook: { id, uuid: "a", version: 7, waits: true }, sinceVersion: since },
    ]);
  });
});

it("a pull takes what changed: subscriptions that came and went, a webhook that was deleted or restored", async () => {
  const id = await insertWebhook("a", "project:created", "project:deleted");
  await insertWebhook("b", "project:created");
  await inShard("a", async (routing) => {
    const look = async () =>
      (await matched(routing, created, { ...created, type: "project:deleted" })).flat();
    expect(await look()).toEqual(["a", "b", "a"]);
    await run(`DELETE FROM subscriptions WHERE webhook_id = ${id} AND event_type = 'project:deleted'`);
    expect(await look()).toEqual(["a", "b"]);
    await run("UPDATE webhooks SET deleted_at = 1 WHERE uuid = 'b'");
    expect(await look()).toEqual(["a"]);
    await run("UPDATE webhooks SET deleted_at = NULL WHERE uuid = 'b'");
    expect(await look()).toEqual(["a", "b"]);
    await run("DELETE FROM webhooks WHERE uuid = 'a'");
    expect(await look()).toEqual(["b"]);
    await run("DELETE FROM webhooks");
    expect(await look()).toEqual([]);
    const sql = routing.state.storage.sql;
    expect(sql.exec("SELECT webhook_id FROM subscriptions UNION SELECT id FROM webhooks").toArray()).toEqual(
      [],
    );
  });
});

it("a replica of many webhooks comes in pages, and misses nothing that changes meanwhile", async () => {
  // 450 webhooks with a subscription each, and in between 8 with 1,000 each.
  await run(`INSERT INTO webhooks (uuid, name, origin, sealed, verify_ssl, content_type, created_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 458)
    SELECT 'w' || i, '', '', '', 1, 'application/json', 0 FROM n`);
  await run(`INSERT INTO subscriptions (uuid, webhook_id, event_type, project_uuid, created_at)
    SELECT '', id, 'project:created', '', 0 FROM webhooks`);
  await run(`INSERT INTO subscriptions (uuid, webhook_id, event_type, project_uuid, created_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
    SELECT '', id, 'project:deleted', 'p' || i, 0 FROM n, webhooks WHERE id BETWEEN 100 AND 107`);
  const sizes: number[] = [];
  const batch = env.DB.batch.bind(env.DB);
  const watched = Object.create(env.DB, {
    batch: {
      value: async (statements: D1PreparedStatement[]) => {
        const results = await batch<Record<string, unknown>>(statements);
        const rows = results[2]?.results ?? [];
        sizes.push(
          rows.reduce((sum, row) => sum + (JSON.parse(String(row["subscriptions"])) as unknown[]).length, 0),
        );
        // Between the first pages, what was in the first one changes, and what is to come.
        if (sizes.length === 1) {
          await batch([
            env.DB.prepare("DELETE FROM subscriptions WHERE webhook_id IN (1, 450)"),
            env.DB.prepare("DELETE FROM webhooks WHERE id IN (2, 440)"),
          ]);
        }
        return results;
      },
    },
    prepare: { value: env.DB.prepare.bind(env.DB) },
  }) as D1Database;
  await inShard(
    "a",
    async ({ replica, changes }) => {
      expect(await changes.current()).toBe(true);
      expect(replica.match([created])).toHaveLength(454);
      expect(replica.match([{ ...created, type: "project:deleted", projectUuid: "p999" }])).toHaveLength(8);
      expect(replica.version).toBe(
        await env.DB.prepare("SELECT version FROM routing").first<number>("version"),
      );
    },
    { DB: watched },
  );
  expect(sizes.length).toBeGreaterThan(2);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(5000);
});

it("at 100,000 subscriptions a match reads rows by what matches, and a wake-up reads none of them", async () => {
  await inShard("a", ({ state }) => {
    const { sql } = state.storage;
    sql.exec(`INSERT INTO webhooks (id, uuid, version, waits)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, 'w' || i, 1, 0 FROM n`);
    // Each webhook has a hundred projects of its own; five hear of all.
    sql.exec(`INSERT INTO subscriptions (webhook_id, event_type, project_uuid, job_uuid, routing_version)
      WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
      SELECT 1 + i / 100, 'project:cron-job:run:failed', 'project ' || i, '', 1 FROM n`);
    sql.exec(`INSERT INTO subscriptions (webhook_id, event_type, project_uuid, job_uuid, routing_version)
      SELECT id, 'project:**', '', '', 1 FROM webhooks WHERE id % 200 = 7`);
    let rowsRead = 0;
    const counting = new Proxy(sql, {
      get: (target, name) => {
        if (name !== "exec") return Reflect.get(target, name, target) as unknown;
        return (query: string, ...bindings: unknown[]) => {
          const cursor = target.exec(query, ...bindings);
          const rows = cursor.toArray();
          rowsRead += cursor.rowsRead;
          return { toArray: () => rows, one: () => rows[0] };
        };
      },
    });
    const replica = new RoutingReplica(counting);
    // A wake-up loads nothing.
    expect(rowsRead).toBeLessThan(10);
    rowsRead = 0;
    const matches = replica.match([{ ...failed, projectUuid: "project 50000", jobUuid: "j" }]);
    expect(matches.map(({ webhook }) => webhook.id)).toEqual([7, 207, 407, 501, 607, 807]);
    // For each match its subscription and its webhook; and the candidates, which are rows of a list.
    expect(rowsRead).toBeGreaterThanOrEqual(12);
    expect(rowsRead).toBeLessThan(100);
  });
});
