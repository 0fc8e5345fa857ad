/** Growing from 2 to 4 event shards, in the hands of a test: callers that know the old number or the new one, and faults. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { growShards } from "../../../src/events/grow-shards";
import type { Event } from "../../../src/events/parse-events";
import { EventShard } from "../../../src/events/shard/event-shard";
import { shardOf, shardStub } from "../../../src/events/shard/shard-of";
import { ShardStore } from "../../../src/events/shard/shard-store";
import type { PublishAnswer } from "../../../src/events/shard/types";
import { event, shardsCount } from "./event-shard";

export const grownCount = 2 * shardsCount;
const publishesMax = 10;

/** Has the configuration want twice as many shards. */
export function wantMore(): void {
  Object.assign(env, { EVENT_SHARDS: String(grownCount) });
}

/** For `afterEach`. */
export function wantAsBefore(): void {
  Object.assign(env, { EVENT_SHARDS: String(shardsCount) });
}

/** Runs cron's task until D1 says that it is done, whatever fails. */
export async function grow(): Promise<void> {
  wantMore();
  for (;;) {
    await growShards(env).catch(() => undefined);
    const { shards } = await stored();
    if (shards === grownCount) return;
  }
}

/** What D1 has. */
export async function stored(): Promise<{ shards: number; next: number | null }> {
  const row = await env.DB.prepare("SELECT shards, shards_next AS next FROM routing").first<{
    shards: number;
    next: number | null;
  }>();
  return row ?? { shards: -1, next: null };
}

/** One call of the shard that an event belongs to when there are so many. */
export async function call(one: Event, shards: number): Promise<PublishAnswer> {
  return await shardStub(env, shardOf(one.uuid, shards)).publish({
    shards,
    publisher: "queue",
    at: Date.now(),
    events: [one],
    places: [0],
  });
}

/** A publisher that believes in a number of shards at first, and repeats what failed. */
export async function publishAs(believed: number, one: Event): Promise<PublishAnswer> {
  let shards = believed;
  for (let publishes = 0; publishes < publishesMax; publishes += 1) {
    try {
      const answer = await call(one, shards);
      if (answer.outcome === "resharded") shards = answer.shards;
      else if (answer.outcome !== "unavailable") return answer;
    } catch {
      // The object was gone.
    }
  }
  return { outcome: "unavailable", because: "It was published too often." };
}

/** What an answer says of its event. */
export function knownIn(answer: PublishAnswer): boolean | PublishAnswer["outcome"] {
  return answer.outcome === "archived" ? answer.events[0]?.isKnown === true : answer.outcome;
}

/** Events that will move to a new shard, or that will not. */
export function eventsThat(move: boolean, count: number): Event[] {
  const events: Event[] = [];
  while (events.length < count) {
    const one = event();
    if ((shardOf(one.uuid, shardsCount) !== shardOf(one.uuid, grownCount)) === move) events.push(one);
  }
  return events;
}

/** The uuids of all events that any shard has a row of, sorted. */
export async function rows(): Promise<string[]> {
  const uuids: string[] = [];
  for (let shard = 0; shard < grownCount; shard += 1) {
    const own = await runInDurableObject(shardStub(env, shard), (_, { storage: { sql } }) =>
      new ShardStore(sql).tables.readable.flatMap(({ number }) =>
        sql
          .exec<{ uuid: string }>(`SELECT uuid FROM events_${number}`)
          .toArray()
          .map(({ uuid }) => uuid),
      ),
    );
    uuids.push(...own);
  }
  return uuids.toSorted();
}

export async function evictAll(): Promise<void> {
  for (let shard = 0; shard < grownCount; shard += 1) {
    // One that is not running cannot be evicted.
    await shardStub(env, shard).completeSince();
    await evictDurableObject(shardStub(env, shard));
  }
}

type Call = "prepare" | "decideShards" | "uuidsOf" | "shardCount" | "texts" | "publish" | "find";

/** Does something around each call of a kind. */
export function around(name: Call, wrap: (run: () => Promise<unknown>) => Promise<unknown>): void {
  const original: unknown = Reflect.get(EventShard.prototype, name);
  if (typeof original !== "function") throw new Error(`A shard has no ${name}.`);
  vi.spyOn(EventShard.prototype, name as "find").mockImplementation(function wrapped(
    this: EventShard,
    ...args: unknown[]
  ) {
    return wrap(async () => Reflect.apply(original, this, args) as unknown) as Promise<null>;
  });
}

/** Has the n-th call of a kind, from 1, fail: before anything is done, or after it, so that only its answer is lost. */
export function failCall(name: Call, nth: number, when: "before" | "after"): { hasFailed: () => boolean } {
  let calls = 0;
  around(name, async (run) => {
    calls += 1;
    const isIt = calls === nth;
    if (isIt && when === "before") throw new Error("The object is gone.");
    const result = await run();
    if (isIt) throw new Error("The object is gone: its answer is lost.");
    return result;
  });
  return { hasFailed: () => calls >= nth };
}
