/** Random histories of one shard, against a model that keeps everything in memory. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { EventShard } from "../../../src/events/shard/event-shard";
import { shardStub } from "../../../src/events/shard/shard-of";
import { firstCursor } from "../../../src/events/shard/uuid-transfer";
import { passTime, stopClock } from "../../clock";
import { event, route, webhook, shardsCount } from "./event-shard";

const minuteMs = 60_000;
const dayMs = 86_400_000;
const archiveDays = 1;
const daysBefore = env.ARCHIVE_DAYS;

beforeEach(stopClock);
afterEach(() => Object.assign(env, { ARCHIVE_DAYS: daysBefore }));

/** `texts`: of each event of the request, by its place in the pool; mostly the usual one, 0. */
type Command =
  | { do: "publish"; texts: [place: number, text: number][] }
  | { do: "publish twice at once"; texts: [place: number, text: number][] }
  | { do: "wait"; ms: number }
  | { do: "restart" }
  | { do: "maintain" }
  | { do: "subscribe" };

const pool = Array.from({ length: 10 }, () => crypto.randomUUID());
const texts = fc.uniqueArray(
  fc.tuple(fc.nat({ max: pool.length - 1 }), fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1)),
  { minLength: 1, maxLength: 5, selector: ([place]) => place },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("publish" as const), texts }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("publish twice at once" as const), texts }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 9 * minuteMs, 10 * minuteMs, dayMs / 2, 2 * dayMs),
    }),
  },
  { weight: 2, arbitrary: fc.constant<Command>({ do: "restart" }) },
  { weight: 2, arbitrary: fc.constant<Command>({ do: "maintain" }) },
  { weight: 2, arbitrary: fc.constant<Command>({ do: "subscribe" }) },
);

type Known = { uuid: string; text: number; acceptedAt: number; version: number };

/** What a shard should do. Its webhooks match everything; the n-th subscribed with routing version n. */
class Model {
  readonly #shard: DurableObjectStub<EventShard>;
  #known: Known[] = [];
  #version = 1;

  constructor(shard: DurableObjectStub<EventShard>) {
    this.#shard = shard;
    this.#route();
  }

  async run(one: Command): Promise<void> {
    switch (one.do) {
      case "publish":
        this.#expectAnswer(one.texts, await this.#publish(one.texts));
        break;
      case "publish twice at once": {
        const answers = await Promise.all([this.#publish(one.texts), this.#publish(one.texts)]);
        for (const answer of answers) this.#expectAnswer(one.texts, answer);
        break;
      }
      case "wait":
        passTime(one.ms);
        break;
      case "restart":
        // Only an object that runs can be evicted.
        await this.#shard.completeSince();
        await evictDurableObject(this.#shard);
        break;
      case "maintain":
        if (await runDurableObjectAlarm(this.#shard)) this.#forget();
        break;
      case "subscribe":
        this.#version += 1;
        this.#route();
        break;
    }
    const { items, reachesBackTo } = await this.#shard.list({ limit: 1000, before: 0 });
    expect(items.map(({ item }) => item.uuid)).toEqual(this.#known.map(({ uuid }) => uuid).toReversed());
    expect(reachesBackTo).toBe(this.#known[0]?.acceptedAt ?? null);
  }

  async #publish(wanted: [number, number][]) {
    const events = wanted.map(([place, text]) =>
      event({ uuid: pool[place] ?? "", body: `{"text":${text}}` }),
    );
    return await this.#shard.publish({
      shards: shardsCount,
      publisher: "queue",
      at: Date.now(),
      events,
      places: events.map((_, place) => place),
    });
  }

  #expectAnswer(wanted: [number, number][], answer: unknown): void {
    const now = Date.now();
    const asked = wanted.map(([place, text]) => {
      const uuid = pool[place] ?? "";
      return { uuid, text, known: this.#known.find((one) => one.uuid === uuid) };
    });
    const conflicts = asked.filter(({ text, known }) => known !== undefined && known.text !== text);
    if (conflicts.length > 0) {
      expect(answer).toEqual({ outcome: "conflict", uuids: conflicts.map(({ uuid }) => uuid) });
      return;
    }
    expect(answer).toMatchObject({
      outcome: "archived",
      routingVersion: this.#version,
      events: asked.map(({ uuid, known }) => {
        const isLate = known !== undefined && now - known.acceptedAt >= 10 * minuteMs;
        return {
          uuid,
          isKnown: known !== undefined,
          firstAcceptedAt: known?.acceptedAt ?? now,
          webhooks: Array.from({ length: isLate ? known.version : this.#version }, (_, place) => place),
        };
      }),
    });
    for (const { uuid, text, known } of asked) {
      if (known === undefined) this.#known.push({ uuid, text, acceptedAt: now, version: this.#version });
    }
  }

  #forget(): void {
    const now = Date.now();
    this.#known = this.#known.filter(
      ({ acceptedAt }) => now < (Math.floor(acceptedAt / dayMs) + 1 + archiveDays) * dayMs,
    );
  }

  #route(): void {
    const version = this.#version;
    route({ version, match: () => Array.from({ length: version }, (_, n) => webhook(n + 1, n + 1)) });
  }
}

it("a shard knows exactly what it archived, whatever happens to it", { timeout: 900_000 }, async () => {
  Object.assign(env, { ARCHIVE_DAYS: String(archiveDays) });
  let run = 1;
  let commandsRun = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40, size: "max" }), async (commands) => {
      const own = shardStub(env, run);
      // Its routing is not asked: this tells it how many shards there are.
      await own.uuidsOf({ shard: 0, shards: shardsCount, cursor: firstCursor, isLast: true });
      const model = new Model(own);
      run += 1;
      commandsRun += commands.length;
      for (const one of commands) await model.run(one);
    }),
    {
      numRuns: Math.ceil(Number(env.MODEL_RUNS) / 2),
      seed: env.MODEL_SEED === "" ? Date.now() : Number(env.MODEL_SEED),
    },
  );
  expect(commandsRun).toBeGreaterThan(run);
});
