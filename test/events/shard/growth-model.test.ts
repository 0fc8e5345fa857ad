/** Random histories of a growth, against a model that keeps in memory what was accepted and which changes were answered. */
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { growShards } from "../../../src/events/grow-shards";
import type { Event } from "../../../src/events/parse-events";
import { shardStub } from "../../../src/events/shard/shard-of";
import type { PublishAnswer } from "../../../src/events/shard/types";
import { makeListener } from "../../event";
import { captureLog } from "../../receiver";
import { emptyStorage, makeTables } from "../../storage";
import { event, shardsCount } from "./event-shard";
import { failCall, grow, grownCount, knownIn, publishAs, rows, wantAsBefore, wantMore } from "./growth";

const webhooksMax = 4;

/** `of`: an event of before, by its place; the nearest that there is. */
type Publish = { believed: number; of: number | null; text: string };
type Command =
  | { do: "publish"; publishes: Publish[] }
  | { do: "cron"; publishes: Publish[] }
  | {
      do: "fail";
      name: "prepare" | "decideShards" | "uuidsOf" | "shardCount";
      nth: number;
      when: "before" | "after";
    }
  | { do: "D1 is gone"; publishes: Publish[] }
  | { do: "evict"; shard: number }
  | { do: "subscribe" };

const publishes = fc.array(
  fc.record({
    believed: fc.constantFrom(shardsCount, grownCount),
    of: fc.option(fc.nat({ max: 30 })),
    text: fc.constantFrom("{}", "{}", "{}", "{}", '{"other":1}'),
  }),
  { minLength: 1, maxLength: 4 },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("publish" as const), publishes }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cron" as const), publishes }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("D1 is gone" as const), publishes }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("fail" as const),
      name: fc.constantFrom("prepare", "decideShards", "uuidsOf", "shardCount"),
      nth: fc.integer({ min: 1, max: 8 }),
      when: fc.constantFrom("before", "after"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("evict" as const), shard: fc.nat(grownCount - 1) }) },
  { weight: 1, arbitrary: fc.constant<Command>({ do: "subscribe" }) },
);

beforeEach(() => void captureLog());
afterEach(wantAsBefore);

/** What must be. */
class Model {
  readonly #events: Event[] = [];
  readonly #accepted = new Map<string, number>();
  readonly #webhooks: string[] = [];

  async run(one: Command): Promise<void> {
    switch (one.do) {
      case "publish":
        await this.#publishAll(one.publishes);
        break;
      case "cron": {
        // What fails comes again.
        const cron = growShards(env).catch(() => undefined);
        await Promise.all([cron, this.#publishAll(one.publishes)]);
        break;
      }
      case "D1 is gone":
        await this.#publishWithoutDatabase(one.publishes);
        break;
      case "fail":
        vi.restoreAllMocks();
        captureLog();
        failCall(one.name, one.nth, one.when);
        break;
      case "evict":
        await shardStub(env, one.shard).completeSince();
        await evictDurableObject(shardStub(env, one.shard));
        break;
      case "subscribe":
        if (this.#webhooks.length < webhooksMax) this.#webhooks.push((await makeListener()).uuid);
        break;
    }
  }

  /** Each event was accepted once, has one row, and is known. */
  async end(): Promise<number> {
    vi.restoreAllMocks();
    captureLog();
    await grow();
    for (const one of this.#events)
      for (const believed of [shardsCount, grownCount])
        expect(knownIn(await publishAs(believed, one))).toBe(true);
    expect([...this.#accepted.values()].every((times) => times === 1)).toBe(true);
    expect(await rows()).toEqual(this.#events.map(({ uuid }) => uuid).toSorted());
    return this.#events.length;
  }

  /** At the same time. */
  async #publishAll(wanted: readonly Publish[]): Promise<void> {
    const webhooks = this.#webhooks.map((uuid) => ({ uuid }));
    await Promise.all(
      wanted.map(async ({ believed, of, text }) => {
        const earlier = of === null ? undefined : this.#events[Math.min(of, this.#events.length - 1)];
        if (earlier === undefined) {
          const fresh = event({ body: "{}" });
          const twice = await Promise.all([publishAs(believed, fresh), publishAs(grownCount, fresh)]);
          expect(new Set(twice.map(knownIn))).toEqual(new Set([false, true]));
          for (const answer of twice) expect(answer).toMatchObject({ webhooks });
          this.#accept(fresh, twice);
          return;
        }
        const answer = await publishAs(believed, { ...earlier, body: text });
        expect(knownIn(answer)).toBe(text === earlier.body ? true : "conflict");
      }),
    );
  }

  #accept(one: Event, answers: PublishAnswer[]): void {
    this.#events.push(one);
    this.#accepted.set(one.uuid, answers.filter((answer) => knownIn(answer) === false).length);
  }

  /** Where a shard was never called before, a publish may have to wait for D1. None is accepted twice for that. */
  async #publishWithoutDatabase(wanted: readonly Publish[]): Promise<void> {
    if (this.#events.length === 0) return;
    const gone = (["prepare", "batch"] as const).map((method) =>
      vi.spyOn(env.DB, method).mockImplementation(() => {
        throw new Error("D1 is gone");
      }),
    );
    const cron = growShards(env).catch(() => undefined);
    const published: [Event, PublishAnswer][] = [];
    for (const { believed } of wanted) {
      const fresh = event({ body: "{}" });
      published.push([fresh, await publishAs(believed, fresh)]);
    }
    await cron;
    for (const spy of gone) spy.mockRestore();
    for (const [fresh, answer] of published) {
      const again = await publishAs(shardsCount, fresh);
      expect(knownIn(again)).toBe(answer.outcome === "archived");
      this.#accept(fresh, [answer, again]);
    }
  }
}

it(
  "whatever happens in a growth, each event is accepted once, known, and goes to everyone",
  { timeout: 900_000 },
  async () => {
    let events = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 25, size: "max" }), async (commands) => {
        wantAsBefore();
        await emptyStorage();
        await makeTables();
        const model = new Model();
        await model.run({ do: "publish", publishes: [{ believed: shardsCount, of: null, text: "{}" }] });
        wantMore();
        for (const one of commands) await model.run(one);
        events += await model.end();
      }),
      {
        // What runs at the same time cannot be made smaller: the rest of a run that failed reaches into the next one.
        endOnFailure: true,
        numRuns: Math.ceil(Number(env.MODEL_RUNS) / 5),
        seed: env.MODEL_SEED === "" ? Date.now() : Number(env.MODEL_SEED),
      },
    );
    expect(events).toBeGreaterThan(50);
  },
);
