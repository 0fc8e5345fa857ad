import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { emptyStorage } from "../../storage";
import { insertWebhook } from "./shard";

async function run(statement: string): Promise<void> {
  await env.DB.prepare(statement).run();
}

async function versions(): Promise<{ routing: number; a: number; b: number }> {
  const row = await env.DB.prepare(
    `SELECT version AS routing, (SELECT routing_version FROM webhooks WHERE uuid = 'a') AS a,
       (SELECT routing_version FROM webhooks WHERE uuid = 'b') AS b FROM routing`,
  ).first<{ routing: number; a: number; b: number }>();
  return row ?? { routing: -1, a: -1, b: -1 };
}

it("every statement that changes routing raises its version and stamps the webhook, and no other does", async () => {
  await insertWebhook("a", "project:created");
  await insertWebhook("b", "project:created");
  const rows: [string, ("a" | "b")[]][] = [
    ["INSERT INTO subscriptions (uuid, webhook_id, event_type, created_at) VALUES ('', 1, 'x', 0)", ["a"]],
    [
      "INSERT INTO subscriptions (uuid, webhook_id, event_type, created_at) VALUES ('', 1, 'x', 0) ON CONFLICT DO NOTHING",
      [],
    ],
    ["UPDATE subscriptions SET event_type = 'y' WHERE event_type = 'x'", ["a"]],
    ["UPDATE subscriptions SET webhook_id = 2 WHERE event_type = 'y'", ["a", "b"]],
    ["DELETE FROM subscriptions WHERE event_type = 'y'", ["b"]],
    ["UPDATE webhooks SET version = version + 1", ["a", "b"]],
    ["UPDATE webhooks SET waits = 1 WHERE uuid = 'a'", ["a"]],
    ["UPDATE webhooks SET waits = 1 WHERE uuid = 'a'", []],
    ["UPDATE webhooks SET waits = 0 WHERE uuid = 'a'", ["a"]],
    ["UPDATE webhooks SET deleted_at = 1 WHERE uuid = 'b'", ["b"]],
    ["UPDATE webhooks SET deleted_at = coalesce(deleted_at, 2) WHERE uuid = 'b'", []],
    ["UPDATE webhooks SET deleted_at = NULL", ["b"]],
    ["UPDATE webhooks SET state = 'paused', dead_letters = 3, name = 'n', sealed = 's'", []],
    ["DELETE FROM subscriptions WHERE event_type = 'no such'", []],
  ];
  for (const [statement, stamped] of rows) {
    const before = await versions();
    await run(statement);
    const after = await versions();
    const raised = (["a", "b"] as const).filter((uuid) => after[uuid] > before[uuid]);
    expect([statement, raised, after.routing > before.routing]).toEqual([
      statement,
      stamped,
      stamped.length > 0,
    ]);
    expect(after.a).not.toBe(after.b);
    expect(after.routing).toBe(Math.max(after.a, after.b));
  }
});

it("a subscription is stamped with the version under which it was made", async () => {
  await insertWebhook("a", "one", "two");
  await run("UPDATE webhooks SET version = version + 1");
  await run(
    "INSERT INTO subscriptions (uuid, webhook_id, event_type, created_at) VALUES ('', 1, 'three', 0)",
  );
  const { results } = await env.DB.prepare("SELECT routing_version FROM subscriptions ORDER BY id").all<{
    routing_version: number;
  }>();
  const [one = 0, two = 0, three = 0] = results.map((row) => row.routing_version);
  expect([one < two, two + 1 < three, three]).toEqual([true, true, (await versions()).routing]);
});

it("a webhook that is deleted leaves its id and the version of that", async () => {
  const id = await insertWebhook("a", "one", "two");
  const before = await versions();
  await run("DELETE FROM webhooks");
  const { results } = await env.DB.prepare("SELECT * FROM routing_removed").all();
  expect(results).toEqual([{ webhook_id: id, version: before.routing + 1 }]);
  expect((await versions()).routing).toBe(before.routing + 1);
});

it("a database with webhooks is brought up: they are stamped, each with another version", async () => {
  await run("SELECT 1");
  await emptyStorage();
  const first = env.TEST_MIGRATIONS.findIndex((query) => query.includes("`routing`"));
  await env.DB.prepare(env.TEST_MIGRATIONS.slice(0, first).join(";\n")).run();
  await insertWebhook("a", "project:created", "project:deleted");
  await insertWebhook("gone", "project:created");
  await insertWebhook("b", "project:created");
  await run("DELETE FROM webhooks WHERE uuid = 'gone'");
  await env.DB.prepare(env.TEST_MIGRATIONS.slice(first).join(";\n")).run();
  const { routing, a, b } = await versions();
  expect(a > 0 && b > a && routing >= b).toBe(true);
  const { results } = await env.DB.prepare(
    "SELECT count(*) AS n, min(routing_version > 0 AND routing_version <= ?) AS stamped FROM subscriptions",
  )
    .bind(routing)
    .all();
  expect(results).toEqual([{ n: 3, stamped: 1 }]);
  await insertWebhook("c", "project:created");
  expect((await versions()).routing).toBe(routing + 2);
});
