import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CommitRecord } from "../../../src/events/shard/change-outcomes";
import { changeRoutingAt, type ShardStub } from "../../../src/events/shard/change-routing";
import { RequestError } from "../../../src/platform/errors";
import { laneOf } from "../../lane";
import { endCalls, inShard, insertWebhook, matchAt, matchFails, placeOf, shardStub } from "./shard";

const names = ["shard-a", "shard-b"] as const;
/** What a writer does, one after the other; shards are called at the same time. */
const writerSteps = ["check", "announce", "commit", "apply"] as const;
type WriterStep = (typeof writerSteps)[number];

/** What is broken from which point on; and what the writer has done. */
const well = {
  isGone: false,
  takesWrites: true,
  /** So many statements fail, and then none. */
  failures: 0,
  isWriterDead: false,
  /** Runs before and after each step of the writer. */
  onStep: async (_step: WriterStep | "withdraw" | "abandon", _when: "before" | "after", _at: string) => {},
};
const world = { ...well };
let batches = 0;

beforeEach(() => {
  batches = 0;
  Object.assign(world, well);
  const [batch, prepare] = [env.DB.batch.bind(env.DB), env.DB.prepare.bind(env.DB)];
  vi.spyOn(env.DB, "batch").mockImplementation((statements) => {
    if (world.isGone) throw new Error("D1_ERROR: Network connection lost.");
    batches += 1;
    return batch(statements);
  });
  vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
    if (!world.takesWrites && !query.trim().startsWith("SELECT"))
      throw new Error("D1_ERROR: database is locked");
    world.failures -= 1;
    if (world.isGone || world.failures >= 0) throw new Error("D1_ERROR: Network connection lost.");
    return prepare(query);
  });
});
afterEach(endCalls);

/** A shard whose calls are steps of the writer. */
function watchedStub(name: string): ShardStub {
  return () => {
    const shard = shardStub(name)();
    const step = (what: "withdraw" | "abandon" | "apply") => (id: string) =>
      inSteps(what, name, () => shard[what](id));
    return {
      announce: (id) => inSteps("announce", name, () => shard.announce(id)),
      withdraw: step("withdraw"),
      abandon: step("abandon"),
      apply: step("apply"),
    };
  };
}

async function inSteps<Result>(
  what: WriterStep | "withdraw" | "abandon",
  at: string,
  run: () => Promise<Result>,
): Promise<Result> {
  await world.onStep(what, "before", at);
  if (world.isWriterDead) throw new Error("The writer is dead.");
  const result = await run();
  await world.onStep(what, "after", at);
  if (world.isWriterDead) throw new Error("The writer is dead.");
  return result;
}

const watched = names.map((name) => watchedStub(name));

/** Makes the webhook `uuid`, which hears `project:created`. @returns the status that is answered, 0 for none. */
async function change(
  uuid: string,
  shards: readonly ShardStub[] = watched,
  options?: { commitMs: number },
): Promise<number> {
  try {
    const commit = (record: CommitRecord): Promise<unknown> =>
      inSteps("commit", "D1", () =>
        env.DB.batch([
          record.statement(env.DB),
          env.DB.prepare(
            `INSERT INTO webhooks (uuid, name, origin, sealed, verify_ssl, content_type, created_at)
             VALUES (?, '', '', '', 1, 'application/json', 0)`,
          ).bind(uuid),
          env.DB.prepare(
            `INSERT INTO subscriptions (uuid, webhook_id, event_type, created_at)
             SELECT '', id, 'project:created', 0 FROM webhooks WHERE uuid = ?`,
          ).bind(uuid),
        ]),
      );
    await changeRoutingAt(placeOf(shards), commit, options);
    return world.isWriterDead ? 0 : 201;
  } catch (error) {
    if (world.isWriterDead) return 0;
    if (error instanceof RequestError) return error.status;
    throw error;
  }
}

async function storedUuids(): Promise<unknown[]> {
  const { results } = await env.DB.prepare("SELECT uuid FROM webhooks ORDER BY id").all();
  return results.map(({ uuid }) => uuid);
}

const announcementsAt = (name: string): Promise<unknown[]> =>
  inShard(name, ({ state }) => state.storage.sql.exec("SELECT id FROM routing_announcements").toArray());

/** Both shards are there and have all. */
async function makeShards(): Promise<void> {
  await insertWebhook("old", "project:created");
  for (const name of names) expect(await matchAt(name)).toEqual(["old"]);
}

describe("a change that was answered is seen by every publish that starts after it, and in the end by all, when", () => {
  const points = writerSteps
    .filter((step) => step !== "check")
    .flatMap((step) => (["before", "after"] as const).map((when) => ({ step, when })));
  const all = (status: number) =>
    Object.fromEntries(points.map(({ step, when }) => [`${when} ${step}`, status]));
  /** What is answered, by where the victim goes; 0: nothing. */
  const cases = [
    ["the writer", { ...all(0), "after apply": 201 }],
    ["D1", { ...all(201), "before announce": 503, "after announce": 503, "before commit": 503 }],
    [names[0], all(201)],
    [names[1], all(201)],
  ] as const;

  it.each(cases)("%s goes between any two steps", async (victim, expected) => {
    await makeShards();
    const known = ["old"];
    const answers: Record<string, number> = {};
    for (const { step, when } of points) {
      const uuid = `${when} ${step}`;
      let isDone = false;
      world.onStep = async (at, whenAt, name) => {
        // At one of the two shards only: the other one is told.
        if (at !== step || whenAt !== when || isDone || (name !== "D1" && name !== names[1])) return;
        isDone = true;
        if (victim === "the writer") world.isWriterDead = true;
        else if (victim === "D1") world.isGone = true;
        else await evictDurableObject(laneOf(victim));
      };
      const status = await change(uuid);
      answers[uuid] = status;
      const isAnswered = status === 201;
      // A publisher that is told to repeat has missed nothing; only without D1 it must.
      for (const name of names) {
        const seen = await matchAt(name);
        const isSeen = seen === matchFails ? victim === "D1" : !isAnswered || seen.includes(uuid);
        expect([uuid, name, seen, isSeen]).toEqual([uuid, name, seen, true]);
      }
      // All is well again, and a minute passes.
      await endCalls();
      Object.assign(world, well);
      for (const name of names) await inShard(name, ({ changes }) => changes.maintain(Date.now() + 70_000));
      const isStored = (await storedUuids()).includes(uuid);
      expect([uuid, isStored || !isAnswered]).toEqual([uuid, true]);
      if (isStored) known.push(uuid);
      world.isGone = true;
      for (const name of names) {
        expect([uuid, await announcementsAt(name)]).toEqual([uuid, []]);
        expect([uuid, await matchAt(name)]).toEqual([uuid, known]);
      }
      world.isGone = false;
    }
    expect(answers).toEqual(expected);
  });
});

it("a shard that cannot be told gives a 503 with Retry-After: nothing is changed, and no announcement is left", async () => {
  await makeShards();
  const broken: ShardStub = () => ({
    ...shardStub(names[1])(),
    announce: () => Promise.reject(new Error("gone")),
  });
  let commits = 0;
  const failure = await changeRoutingAt(placeOf([shardStub(names[0]), broken]), async () => {
    commits += 1;
  }).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    status: 503,
    headers: { "Retry-After": "5" },
    message: "1 of 2 event shards could not be told of the change, so nothing was changed. Try again.",
  });
  expect(commits).toBe(0);
  await vi.waitFor(async () => expect(await announcementsAt(names[0])).toEqual([]));
});

it("a shard that fails once is called again", async () => {
  await makeShards();
  let calls = 0;
  const shaky: ShardStub = () => ({
    ...shardStub(names[1])(),
    announce: (id) => {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error("reset")) : shardStub(names[1])().announce(id);
    },
  });
  expect(await change("new", [shardStub(names[0]), shaky])).toBe(201);
  expect(calls).toBe(2);
});

it("a D1 that is gone is noticed before anything is announced, so that publishing goes on", async () => {
  await makeShards();
  const announced: string[] = [];
  world.onStep = async (step) => void announced.push(step);
  world.isGone = true;
  expect(await change("new")).toBe(503);
  expect(announced).toEqual([]);
  for (const name of names) expect(await matchAt(name)).toEqual(["old"]);
});

it("a D1 that takes no writes is noticed before anything is announced, too", async () => {
  await makeShards();
  const announced: string[] = [];
  world.onStep = async (step) => void announced.push(step);
  world.takesWrites = false;
  expect(await change("new")).toBe(503);
  expect(announced).toEqual([]);
});

it("D1 is asked again how many shards there are when it fails for a moment", async () => {
  await makeShards();
  world.failures = 2;
  expect(await change("new")).toBe(201);
});

it("a transient failure of the commit is repeated", async () => {
  await makeShards();
  let commits = 0;
  world.onStep = async (step, when) => {
    if (step !== "commit" || when !== "before") return;
    commits += 1;
    if (commits < 3) throw new Error("D1_ERROR: storage caused object to be reset.");
  };
  expect(await change("new")).toBe(201);
  expect(commits).toBe(3);
});

it("what D1 refuses is thrown as it is, at once, and changes nothing", async () => {
  await makeShards();
  let commits = 0;
  world.onStep = async (step, when) => void (commits += step === "commit" && when === "before" ? 1 : 0);
  await expect(change("old")).rejects.toThrow("UNIQUE constraint failed: webhooks.uuid");
  expect(commits).toBe(1);
  for (const name of names) {
    await vi.waitFor(async () => expect(await announcementsAt(name)).toEqual([]));
  }
});

it("a commit whose answer is lost is found out: 503 says that the change was made, and it is seen", async () => {
  await makeShards();
  world.onStep = async (step, when) => {
    if (step === "commit" && when === "after") throw new Error("D1_ERROR: Network connection lost.");
  };
  const failure = await changeRoutingAt(placeOf(watched), (record) =>
    inSteps("commit", "D1", () => env.DB.batch([record.statement(env.DB)])),
  ).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    status: 503,
    message: "The change was made, but the database's answer was lost. Look before you repeat it.",
  });
});

describe("with timers in the hands of the test,", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));

  it("a shard that does not answer an announcement is called twice for 2 s", async () => {
    let calls = 0;
    const hanging: ShardStub = () => ({
      ...shardStub(names[1])(),
      announce: () => {
        calls += 1;
        return Promise.withResolvers<null>().promise;
      },
    });
    const changed = change("new", [shardStub(names[0]), hanging]);
    for (const expected of [1, 2]) {
      await vi.waitFor(() => expect(calls).toBe(expected));
      vi.advanceTimersByTime(2000);
    }
    expect(await changed).toBe(503);
    expect(await storedUuids()).toEqual([]);
  });

  it.each([
    [20_000, undefined],
    [3000, { commitMs: 3000 }],
  ])(
    "a commit without an answer for %i ms is given up for good: it fails however late it arrives",
    async (ms, options) => {
      const arrived = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      world.onStep = (step, when) => {
        if (step !== "commit" || when === "after") return Promise.resolve();
        arrived.resolve();
        return goOn.promise;
      };
      const changed = change("new", watched, options);
      await arrived.promise;
      vi.advanceTimersByTime(ms);
      expect(await changed).toBe(503);
      goOn.resolve();
      await vi.waitFor(() => expect(batches).toBe(2));
      for (const name of names) await vi.waitFor(async () => expect(await announcementsAt(name)).toEqual([]));
      expect(await storedUuids()).toEqual([]);
    },
  );
});
