import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeEach, expect, it, vi } from "vitest";
import { makeWebhook } from "../api";
import { passTime, stopClock } from "../clock";
import { alarmOf, configOf, handoverEvent, laneOf, setAlarmOf } from "../lane";
import { receiver, type Received } from "../receiver";
import { change } from "./lane-traffic";

const runs = Math.ceil(Number(env.MODEL_RUNS) / 5);
const seed = Number(env.MODEL_SEED) || 1;

beforeEach(stopClock);

type Command =
  | { do: "accept"; count: number }
  | { do: "pass"; ms: number }
  | { do: "fail" | "recover" | "evict" | "crash" | "crash under way" | "pause" | "resume" }
  | { do: "skip"; place: number }
  | { do: "skip under way"; place: number }
  | { do: "digest"; seconds: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("accept" as const), count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.constantFrom(0, 1000, 5000, 60_000, 600_000),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(["fail", "recover", "evict", "crash", "crash under way", "pause", "resume"] as const),
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("skip" as const), place: fc.nat({ max: 20 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("skip under way" as const), place: fc.nat({ max: 20 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("digest" as const), seconds: fc.constantFrom(0, 5, 60) }),
  },
);

type Delivery = {
  sequence: number;
  acceptedAt: number;
  isSkipped: boolean;
  isSent: boolean;
  attempted: boolean;
};

/** One lane, and what it must have done: its receiver reads in each message which events it tells of. */
class DigestModel {
  readonly deliveries: Delivery[] = [];
  readonly wrongs: string[] = [];
  /** The sequences of each message, by its head: a retry tells of the same, but what was given up. */
  readonly #carried = new Map<number, number[]>();
  #isWell = true;
  #digestMs = 60_000;
  /** While set, answers wait for it. */
  #gate: PromiseWithResolvers<void> | null = null;
  #isHeld = false;
  /** What the latest message delivered. */
  #delivered: Delivery[] = [];

  constructor(readonly uuid: string) {}

  async do(one: Command): Promise<void> {
    const lane = laneOf(this.uuid);
    switch (one.do) {
      case "accept":
        return this.#accept(one.count);
      case "pass":
        passTime(one.ms);
        return;
      case "fail":
      case "recover":
        this.#isWell = one.do === "recover";
        return;
      case "evict":
        return this.#evict();
      case "crash":
        await abortAllDurableObjects();
        return;
      case "crash under way":
        return this.#underWay(() => this.#cut());
      case "pause":
      case "resume":
        await lane[one.do]();
        return;
      case "skip":
        return this.#skip(one.place);
      case "skip under way":
        return this.#underWay(() => this.#skip(one.place));
      case "digest":
        // Taken note of first: a message may go before the answer is here.
        this.#digestMs = one.seconds * 1000;
        if (one.seconds === 0) this.#carried.clear();
        await change(this.uuid, { digest_s: one.seconds });
    }
  }

  /** What a message tells of: its head, and as many behind it as it says. */
  receive({ headers, body }: Received): Response {
    const head = Number(headers.get("X-Orchest-Sequence"));
    const { text, attachments } = JSON.parse(body) as { text: string; attachments: { text?: string }[] };
    const lines = (attachments[0]?.text ?? text).split("\n");
    const told = lines.flatMap((line) => {
      const [, place] = /Project no(\d+) was created/.exec(line.replaceAll("\\", "")) ?? [];
      return place === undefined ? [] : [Number(place)];
    });
    const count = Number(/^\S+ (\d+) projects/.exec(text)?.[1] ?? 1);
    this.#judge(head, told, count);
    const waiting = this.#waiting().filter(({ sequence }) => sequence >= head);
    const all = waiting.slice(0, count);
    this.#delivered = this.#isWell ? all : [];
    for (const one of this.#delivered) one.isSent = true;
    const first = this.deliveries[head - 1];
    if (first !== undefined) first.attempted = true;
    this.#carried.set(
      head,
      all.map(({ sequence }) => sequence),
    );
    return new Response(null, { status: this.#isWell ? 200 : 500 });
  }

  /** The same, and keeps the answer back while something happens, if anything is to. */
  async answer(request: Received): Promise<Response> {
    const answer = this.receive(request);
    if (this.#gate === null) return answer;
    this.#isHeld = true;
    await this.#gate.promise;
    return answer;
  }

  #judge(head: number, told: number[], count: number): void {
    const demand = (isRight: boolean, wrong: string): void => {
      if (!isRight) this.wrongs.push(`${head} (${told.join(", ")}; ${count}): ${wrong}`);
    };
    const waiting = this.#waiting().map(({ sequence }) => sequence);
    demand(waiting[0] === head, `${waiting[0] ?? "nothing"} was to go first`);
    const expected = waiting.filter((sequence) => sequence >= head).slice(0, Math.min(count, 10));
    demand(expected.join() === told.join(), `expected ${expected.join(", ")}`);
    const first = this.deliveries[head - 1];
    const isRetry = first?.attempted === true;
    const dueAt = (first?.acceptedAt ?? 0) + this.#digestMs;
    demand(isRetry || Date.now() >= dueAt, `${dueAt - Date.now()} ms too early`);
    demand(count === 1 || this.#digestMs > 0, "no digest was asked for");
    const before = this.#carried.get(head);
    const kept = before?.filter((sequence) => waiting.includes(sequence));
    demand(kept === undefined || kept.length === count, `was a message of ${kept?.join(", ") ?? ""}`);
    const behind = waiting.filter((sequence) => sequence >= head).length;
    demand(isRetry || this.#digestMs === 0 || count === behind, `${behind} waited`);
  }

  #waiting(): Delivery[] {
    return this.deliveries.filter(({ isSkipped, isSent }) => !isSkipped && !isSent);
  }

  async #accept(count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, index) => {
      const sequence = this.deliveries.length + 1 + index;
      const uuid = crypto.randomUUID();
      const project = { uuid, name: `no${sequence}` };
      return handoverEvent({ uuid, type: "project:created", project });
    });
    for (const _ of events) {
      const sequence = this.deliveries.length + 1;
      this.deliveries.push({
        sequence,
        acceptedAt: Date.now(),
        isSkipped: false,
        isSent: false,
        attempted: false,
      });
    }
    const answer = await laneOf(this.uuid).accept({ config: await configOf(this.uuid), events });
    expect(answer.outcome).toBe("accepted");
  }

  async #skip(place: number): Promise<void> {
    const delivery = this.deliveries[place % Math.max(this.deliveries.length, 1)];
    if (delivery === undefined || delivery.isSent || delivery.isSkipped) return;
    delivery.isSkipped = true;
    expect(await laneOf(this.uuid).skip(delivery.sequence)).toBe("done");
  }

  /** Lets the lane do all that is due now. */
  async settle(): Promise<void> {
    await runDurableObjectAlarm(laneOf(this.uuid));
  }

  async #evict(): Promise<void> {
    const before = await laneOf(this.uuid).stats();
    await evictDurableObject(laneOf(this.uuid));
    expect(await laneOf(this.uuid).stats()).toEqual(before);
  }

  /** Does something while the next message is under way, if one is due. */
  async #underWay(work: () => Promise<unknown>): Promise<void> {
    const at = await alarmOf(this.uuid);
    if (at === null) return;
    passTime(Math.max(at - Date.now(), 0));
    const gate = Promise.withResolvers<void>();
    this.#gate = gate;
    this.#isHeld = false;
    let isOver = false;
    const alarm = runDurableObjectAlarm(laneOf(this.uuid))
      .catch(() => null)
      .finally(() => (isOver = true));
    await vi.waitFor(() => expect(this.#isHeld || isOver).toBe(true), { interval: 1, timeout: 60_000 });
    if (this.#isHeld) await work();
    this.#gate = null;
    gate.resolve();
    await alarm;
    // The platform repeats an alarm that was cut.
    if ((await alarmOf(this.uuid)) === null) await setAlarmOf(this.uuid, Date.now() + 1);
  }

  /** Nothing is recorded of the message that is under way: it goes again, as it was. */
  async #cut(): Promise<void> {
    for (const one of this.#delivered) one.isSent = false;
    await abortAllDurableObjects();
  }

  /** Everything is well again: all is sent, and counted. */
  async finish(): Promise<void> {
    this.#isWell = true;
    await laneOf(this.uuid).resume();
    for (let alarms = 0; ; alarms++) {
      const at = await alarmOf(this.uuid);
      if (at === null) break;
      expect(alarms).toBeLessThan(300);
      passTime(Math.max(at - Date.now(), 0));
      await this.settle();
    }
    const { deliveries } = await laneOf(this.uuid).deliveries({ limit: 200 });
    const log = deliveries.toReversed().map(({ sequence, status }) => `${sequence} ${status}`);
    expect(log).toEqual(
      this.deliveries.map(({ sequence, isSent }) => `${sequence} ${isSent ? "delivered" : "dead"}`),
    );
    const stats = await laneOf(this.uuid).stats();
    const dead = this.deliveries.filter(({ isSent }) => !isSent).length;
    expect(stats?.counts).toEqual({ pending: 0, failed: 0, dead, delivered: deliveries.length - dead });
    await this.#evict();
    await laneOf(this.uuid).maintain();
    expect((await laneOf(this.uuid).stats())?.counts).toEqual(stats?.counts);
  }
}

it(`whatever happens to a webhook with digests, all is told in order, once and in time (${runs} runs, seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 4, maxLength: 30, size: "max" }), async (commands) => {
      stopClock();
      const { uuid } = await makeWebhook({ url: "https://acme.cloud.mattermost.com/hooks/x", digest_s: 60 });
      const model = new DigestModel(uuid);
      vi.restoreAllMocks();
      receiver((request) => model.answer(request));
      for (const one of commands) {
        await model.do(one);
        await model.settle();
      }
      await model.finish();
      expect(model.wrongs).toEqual([]);
    }),
    { numRuns: runs, seed, timeout: 60_000, interruptAfterTimeLimit: 600_000, markInterruptAsFailure: true },
  );
});
