import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { RoutingReplica } from "../../src/events/shard/routing-replica";
import { RoutingChanges } from "../../src/events/shard/routing-changes";
import { refreshRouting } from "../../src/events/shard/routing-shards";
import { shardStub } from "../../src/events/shard/shard-of";
import { clearWaits, setWaits } from "../../src/events/shard/waits";
import { changeSwitch } from "../../src/webhooks/job-failure-switch";
import { latestSwitchChange, undoSwitchChange } from "../../src/webhooks/job-failure-undo";
import { api, makeWebhook, notifications } from "../api";
import { rowCounts } from "../row-counts";

const created = { type: "project:created", projectUuid: null, jobUuid: null };
const failed = { type: "project:cron-job:run:failed", projectUuid: null, jobUuid: null };

const shards = Array.from({ length: Number(env.EVENT_SHARDS) }, (_, shard) => shard);

const deployment = { shardsWanted: () => shards.length, pulled: () => undefined };

/** What a publish matches first thing in every shard, as text: uuid, version and whether it waits. */
async function matchedEverywhere(topic = created): Promise<string[][]> {
  return Promise.all(
    shards.map((shard) =>
      runInDurableObject(shardStub(env, shard), async (_, state) => {
        const replica = new RoutingReplica(state.storage.sql);
        expect(await new RoutingChanges(state, env, replica, deployment).current()).toBe(true);
        return replica
          .match([topic])
          .map(({ webhook: { uuid, version, waits } }) => `${uuid} ${version} ${waits ? "waits" : ""}`);
      }),
    ),
  );
}

const everywhere = (...matches: string[]): string[][] => shards.map(() => matches);

/** Waits for what goes on behind an answer. */
async function settled(): Promise<void> {
  await vi.waitFor(async () => {
    for (const shard of shards) {
      const rows = await runInDurableObject(shardStub(env, shard), (_, { storage }) =>
        storage.sql.exec("SELECT 1 FROM routing_announcements").toArray(),
      );
      expect(rows).toEqual([]);
    }
  });
}
afterEach(settled);

const waits = (): Promise<number | null> =>
  env.DB.prepare("SELECT waits FROM webhooks").first<number>("waits");

it("every shard sees every kind of change as soon as it is answered", async () => {
  const { uuid } = await makeWebhook({ subscriptions: [{ event_type: "project:created" }] });
  expect(await matchedEverywhere()).toEqual(everywhere(`${uuid} 1 `));
  const path = `${notifications}/subscribers/webhooks/${uuid}`;
  const subscriber = `${notifications}/subscribers/${uuid}`;
  await api("PUT", path, { name: "New" });
  expect(await matchedEverywhere()).toEqual(everywhere(`${uuid} 2 `));
  await api("PUT", path, { subscriptions: [] });
  expect(await matchedEverywhere()).toEqual(everywhere());
  await api("PUT", path, { subscriptions: [{ event_type: "project:**" }] });
  expect(await matchedEverywhere()).toEqual(everywhere(`${uuid} 4 `));

  const id = await env.DB.prepare("SELECT id FROM webhooks").first<number>("id");
  const webhookIds = id === null ? [] : [id];
  await api("PUT", path, { subscriptions: [{ event_type: "project:created" }] });
  const turn = { isOn: true, types: [failed.type], max: 10 };
  expect(await changeSwitch(env, turn, { at: Date.now(), webhookIds })).toBe(1);
  expect(await matchedEverywhere(failed)).toEqual(everywhere(`${uuid} 5 `));
  const latest = await latestSwitchChange(env.DB, Date.now());
  await undoSwitchChange(env, latest?.uuid ?? "", { now: Date.now(), max: 10 });
  expect(await matchedEverywhere(failed)).toEqual(everywhere());

  const handover = env.DB.prepare(
    "INSERT INTO handovers (webhook_id, event_id) VALUES (?, 1) RETURNING id",
  ).bind(id);
  const [appended] = await setWaits<{ id: number }>(env, webhookIds, [handover]);
  expect(appended?.results).toEqual([{ id: 1 }]);
  expect(await matchedEverywhere()).toEqual(everywhere(`${uuid} 5 waits`));

  await api("DELETE", subscriber);
  expect(await matchedEverywhere()).toEqual(everywhere());
});

it("waits is cleared with the last hand-over only, and each shard has it when routing is refreshed", async () => {
  const { uuid } = await makeWebhook({ subscriptions: [{ event_type: "project:created" }] });
  const id = (await env.DB.prepare("SELECT id FROM webhooks").first<number>("id")) ?? 0;
  const append = env.DB.prepare("INSERT INTO handovers (webhook_id, event_id) VALUES (?, ?)");
  await setWaits(env, [id, 99], [append.bind(id, 1), append.bind(id, 2)]);
  const remove = env.DB.prepare("DELETE FROM handovers WHERE event_id = ?");
  await env.DB.batch([remove.bind(1), clearWaits(env.DB, id)]);
  expect(await waits()).toBe(1);
  await settled();
  await env.DB.batch([remove.bind(2), clearWaits(env.DB, id)]);
  expect(await waits()).toBe(0);
  expect(await matchedEverywhere()).toEqual(everywhere(`${uuid} 1 waits`));
  await refreshRouting(env);
  expect(await matchedEverywhere()).toEqual(everywhere(`${uuid} 1 `));
});

it("a change is refused with a 503 while a shard cannot be reached, and nothing is changed", async () => {
  const { uuid } = await makeWebhook({ subscriptions: [{ event_type: "project:created" }] });
  await settled();
  const before = await rowCounts();
  const getByName = env.SHARDS.getByName.bind(env.SHARDS);
  let isGone = true;
  vi.spyOn(env.SHARDS, "getByName").mockImplementation((name) => {
    if (isGone && name === "shard-1") throw new Error("The shard is gone.");
    return getByName(name);
  });
  const path = `${notifications}/subscribers`;
  const answers = [
    await api("POST", `${path}/webhooks`, {
      url: "https://a.example.com/",
      verify_ssl: true,
      subscriptions: [],
    }),
    await api("PUT", `${path}/webhooks/${uuid}`, { name: "New" }),
    await api("DELETE", `${path}/${uuid}`),
  ];
  for (const { status, headers } of answers) {
    expect([status, headers.get("Retry-After")]).toEqual([503, "5"]);
  }
  expect(await rowCounts()).toEqual(before);
  isGone = false;
  expect(await matchedEverywhere()).toEqual(everywhere(`${uuid} 1 `));
});
