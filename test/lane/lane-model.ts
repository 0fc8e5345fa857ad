/**
 * A reference for one lane: what it must have done after any sequence of commands. Its receiver is the judge: each
 * request is checked, as it arrives, against what was accepted, answered and commanded so far.
 */
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { Ordering } from "../../src/lane/handover";
import type { LaneState } from "../../src/lane/lane-record";
import type { LaneStats } from "../../src/lane/lane-stats";
import { api, makeWebhook, notifications } from "../api";
import { passTime } from "../clock";
import { makeEvent, publish } from "../event";
import { alarmOf, laneOf, setAlarmOf } from "../lane";
import { receiver, type Received } from "../receiver";

const project = "8a9fdf8e-4b1e-4d57-8f6c-0d6c1d1f0001";
const job = (last: number): string => `8a9fdf8e-4b1e-4d57-8f6c-0d6c1d1f010${last}`;

/** The kinds of events that are published: three jobs, a project with two types, and two types without a project. */
export const kinds = [
  { key: "job 1", type: "project:one-off-job:started", project: { uuid: project, job: { uuid: job(1) } } },
  { key: "job 2", type: "project:one-off-job:started", project: { uuid: project, job: { uuid: job(2) } } },
  { key: "job 3", type: "project:one-off-job:started", project: { uuid: project, job: { uuid: job(3) } } },
  { key: "project", type: "project:created", project: { uuid: project } },
  { key: "project", type: "project:updated", project: { uuid: project } },
  { key: "type 1", type: "jupyter:image-build:started" },
  { key: "type 2", type: "jupyter:image-build:failed" },
] as const;

/** What a run is made of. `place` picks a delivery, whatever number there are. */
export type Command =
  | { do: "publish"; kinds: number[] }
  | { do: "publish again"; place: number }
  | { do: "fail"; kinds: number[] }
  | { do: "fall silent"; how: "down" | "gone" }
  | { do: "recover" }
  | { do: "run the alarm"; aheadMs: number }
  | { do: "pause" }
  | { do: "resume" }
  | { do: "skip"; place: number }
  | { do: "redeliver"; place: number }
  | { do: "evict" }
  | { do: "crash" }
  | { do: "rename" }
  | { do: "order"; ordering: Ordering }
  | { do: "give up after"; attempts: number }
  /** While these run, the receiver keeps every request waiting. */
  | { do: "hold"; meanwhile: Command[] };

type Delivery = {
  sequence: number;
  event: { uuid: string };
  key: string;
  status: "pending" | "delivered" | "dead";
  attempts: number;
  /** Not to be tried before, in ms. */
  notBefore: number;
};

type Flight = { delivery: Delivery; again: boolean };

/** How often a lane is looked at before what was not sent counts as standing still: each look gives it a turn. */
const looksMax = 500;
const widths: Record<Ordering, number> = { strict: 1, keyed: 5, none: 5 };

export class LaneModel {
  readonly deliveries: Delivery[] = [];
  /** What the gateway has logged. */
  logged: () => string = () => "";
  readonly #webhook: string;
  readonly #wrongs: string[] = [];
  readonly #inFlight = new Set<Flight>();
  readonly #failing = new Set<string>();
  /** What the lane is being told to give up: until it has answered, an attempt may still have gone before that. */
  #skipping: Delivery | null = null;
  #resends: { delivery: Delivery; attempts: number }[] = [];
  #silent: "down" | "gone" | null = null;
  #ordering: Ordering = "strict";
  #state: LaneState = "active";
  /** Answered with 410: the lane may not have read it yet. */
  #isDisabling = false;
  #attemptsMax = 100;
  /** In a row. */
  #failures = 0;
  /** After a crash, until the alarm has run: nothing else wakes the lane. */
  #isCut = false;
  #names = 0;
  #gate: PromiseWithResolvers<void> | null = null;
  /** Alarms that run while the receiver holds its requests. */
  #alarms: Promise<unknown>[] = [];

  private constructor(webhook: string) {
    this.#webhook = webhook;
  }

  /** A new webhook in strict order, with a receiver that is up. */
  static async make(): Promise<LaneModel> {
    const types = new Set(kinds.map(({ type }) => type));
    // That of the run before matches the same types.
    await env.DB.prepare("DELETE FROM webhooks").run();
    const url = `https://${crypto.randomUUID()}.example.com/`;
    const { uuid } = await makeWebhook({
      url,
      retry: { max_attempts: 100, max_age_s: 2_592_000 },
      subscriptions: [...types].map((type) => ({ event_type: type })),
    });
    const model = new LaneModel(uuid);
    vi.restoreAllMocks();
    // The lane of a run that failed may still be at work.
    ({ logged: model.logged } = receiver((request) =>
      request.url === url ? model.#receive(request) : new Response(null, { status: 500 }),
    ));
    return model;
  }

  /** Runs a command, lets the lane do all that is due, and compares. @throws when the lane did what it must not. */
  async run(command: Command): Promise<void> {
    await this.#do(command);
    if (this.#gate !== null) return this.#look();
    await this.#settle();
    await this.#compare();
  }

  /** Makes everything well and lets the lane finish. @throws when anything is lost or counted wrongly. */
  async finish(): Promise<void> {
    await this.run({ do: "recover" });
    await this.run({ do: "resume" });
    for (let alarms = 0; (await alarmOf(this.#webhook)) !== null; alarms++) {
      if (alarms > 1000) throw new Error("The lane does not come to rest.");
      await this.run({ do: "run the alarm", aheadMs: 5_000_000 });
    }
    const left = this.deliveries.filter(({ status }) => status === "pending");
    if (left.length > 0) throw new Error(`Lost: ${left.map(({ sequence }) => sequence).join(", ")}`);
    if (this.#resends.length > 0) throw new Error("Something was not sent again.");
    await this.#compareLog();
  }

  async #do(command: Command): Promise<void> {
    const lane = laneOf(this.#webhook);
    switch (command.do) {
      case "publish":
        return this.#publish(command.kinds);
      case "publish again":
        return this.#publishAgain(command.place);
      case "fail":
        for (const kind of command.kinds) this.#failing.add(keyOf(kind));
        return;
      case "fall silent":
        this.#silent = command.how;
        return;
      case "recover":
        this.#silent = null;
        this.#failing.clear();
        return;
      case "run the alarm":
        return this.#runAlarm(command.aheadMs);
      case "pause":
        await lane.pause();
        if (this.#state === "active") this.#state = "paused";
        return;
      case "resume":
        if (this.#state !== "active") {
          this.#forgetBackOff();
          this.#failures = 0;
        }
        this.#state = "active";
        await lane.resume();
        return;
      case "skip":
        return this.#skip(command.place);
      case "redeliver":
        return this.#redeliver(command.place);
      case "evict":
        return this.#evict();
      case "crash":
        return this.#crash();
      case "rename":
        this.#names += 1;
        return this.#change({ name: `Name ${this.#names}` });
      case "order":
        // What waited behind another head is not held to its own time in another order.
        if (this.#ordering !== command.ordering) this.#forgetBackOff();
        this.#ordering = command.ordering;
        return this.#change({ ordering: command.ordering });
      case "give up after":
        this.#attemptsMax = command.attempts;
        return this.#change({ retry: { max_attempts: command.attempts } });
      case "hold":
        return this.#hold(command.meanwhile);
    }
  }

  async #publish(picked: number[]): Promise<void> {
    const events = picked.map((kind) => {
      const { type, ...rest } = kinds[kind % kinds.length] ?? kinds[0];
      return makeEvent({ type, project: "project" in rest ? rest.project : undefined });
    });
    // Taken note of first: a request may arrive before the answer does.
    const isTaken = this.#state !== "disabled";
    if (isTaken) {
      for (const [index, event] of events.entries()) {
        const sequence = this.deliveries.length + 1;
        const key = keyOf(picked[index] ?? 0);
        this.deliveries.push({ sequence, event, key, status: "pending", attempts: 0, notBefore: 0 });
      }
    }
    const { status, body } = await publish(events);
    const taken = body.accepted.filter(({ deliveries }) => deliveries === 1).length;
    this.#demand(status === 202, `a publish was answered ${status}`);
    this.#demand(taken === (isTaken ? events.length : 0), `${taken} of ${events.length} were taken`);
  }

  async #publishAgain(place: number): Promise<void> {
    const delivery = this.#pick(place);
    if (delivery === undefined) return;
    const { body } = await publish(delivery.event);
    const [answer] = body.accepted;
    this.#demand(answer?.duplicate === true && answer.deliveries === 0, "a repeat was taken as new");
  }

  async #runAlarm(aheadMs: number): Promise<void> {
    passTime(aheadMs);
    this.#isCut = false;
    const alarm = runDurableObjectAlarm(laneOf(this.#webhook));
    if (this.#gate === null) await alarm;
    // It waits for requests that are held, and ends with its object in a crash.
    else this.#alarms.push(alarm.catch(() => null));
  }

  async #skip(place: number): Promise<void> {
    const delivery = this.#pick(place);
    const expected = delivery === undefined ? "unknown" : delivery.status === "pending" ? "done" : "finished";
    // Taken note of first: the next one may go before the answer is here.
    if (delivery !== undefined && expected === "done") delivery.status = "dead";
    const sequence = delivery?.sequence ?? 1;
    if (delivery !== undefined && expected === "done") this.#skipping = delivery;
    const result = await laneOf(this.#webhook).skip(sequence);
    this.#skipping = null;
    this.#demand(result === expected, `skipping ${sequence} came to ${result}, not ${expected}`);
  }

  async #redeliver(place: number): Promise<void> {
    const delivery = this.#pick(place);
    // What is under way already needs no other attempt.
    if ([...this.#inFlight].some((flight) => flight.delivery === delivery)) return;
    const expected = this.#expectedOfRedelivery(delivery);
    if (delivery !== undefined && expected === "done") {
      if (delivery.status === "pending") delivery.notBefore = 0;
      else if (!this.#resends.some((resend) => resend.delivery === delivery)) {
        this.#resends.push({ delivery, attempts: 0 });
      }
    }
    const sequence = delivery?.sequence ?? 1;
    const result = await laneOf(this.#webhook).redeliver(sequence);
    // While requests are under way, the lane may still be in the order that it had before.
    if (this.#inFlight.size > 0) return;
    this.#demand(result === expected, `sending ${sequence} again came to ${result}, not ${expected}`);
  }

  #expectedOfRedelivery(delivery: Delivery | undefined): "unknown" | "inactive" | "behind" | "done" {
    if (delivery === undefined) return "unknown";
    if (this.#state !== "active") return "inactive";
    if (delivery.status !== "pending") return "done";
    return this.#before(delivery).length === 0 ? "done" : "behind";
  }

  /** Whatever the lane keeps in memory must make no difference. */
  async #evict(): Promise<void> {
    if (this.#gate !== null) return;
    await this.#settle();
    const before = await this.#remembered();
    await evictDurableObject(laneOf(this.#webhook));
    const after = await this.#remembered();
    this.#demand(same(before, after), `an eviction turned ${text(before)} into ${text(after)}`);
  }

  /** Cuts the object off: what is under way is never recorded. The platform repeats an alarm that was cut. */
  async #crash(): Promise<void> {
    if (this.#gate === null) await this.#settle();
    this.#inFlight.clear();
    this.#isCut = true;
    await abortAllDurableObjects();
    if (this.#alarms.length > 0) await setAlarmOf(this.#webhook, Date.now() + 1);
  }

  async #change(changes: Record<string, unknown>): Promise<void> {
    const path = `${notifications}/subscribers/webhooks/${this.#webhook}`;
    const { status } = await api("PUT", path, changes);
    this.#demand(status === 200, `a change was answered ${status}`);
  }

  async #hold(meanwhile: Command[]): Promise<void> {
    if (this.#gate !== null) return;
    this.#gate = Promise.withResolvers();
    for (const command of meanwhile) await this.run(command);
    this.#gate.resolve();
    this.#gate = null;
    await Promise.all(this.#alarms);
    this.#alarms = [];
  }

  /** Lets the lane do all that is due now. */
  async #settle(): Promise<void> {
    this.#isCut = false;
    await runDurableObjectAlarm(laneOf(this.#webhook));
    if (this.#isDisabling) this.#state = "disabled";
    this.#isDisabling = false;
    this.#demand(this.#inFlight.size === 0, "an alarm ended while requests were under way");
  }

  /** Gives the lane time to send what it wants to send. */
  async #look(): Promise<void> {
    for (let times = 0; times < 3; times++) await this.#stats();
    // Whatever else is under way: while there is room, what may go goes.
    for (let times = 0; times < looksMax && this.#isIdle(); times++) await this.#stats();
    this.#demand(
      !this.#isIdle(),
      `${this.#mayGo()
        .map(({ sequence }) => sequence)
        .join(", ")} may go and were not sent`,
    );
    this.#throwWrongs();
  }

  /** Whether there is room for something that may go at once. */
  #isIdle(): boolean {
    return this.#inFlight.size < widths[this.#ordering] && this.#mayGo().length > 0;
  }

  /**
   * What was never tried and stands behind nothing, as long as nothing says that the receiver may be down, and no head
   * that was given up has left its back-off to the next one.
   */
  #mayGo(): Delivery[] {
    if (this.#state !== "active" || this.#isDisabling || this.#isCut || this.#failures > 0) return [];
    const busy = new Set([...this.#inFlight].map(({ delivery }) => this.#lineOf(delivery)));
    return this.deliveries.filter(
      (delivery) =>
        delivery.status === "pending" &&
        delivery.attempts === 0 &&
        !busy.has(this.#lineOf(delivery)) &&
        this.#before(delivery).length === 0 &&
        this.#finishedBefore(delivery)?.status !== "dead",
    );
  }

  /** What its line finished before it. */
  #finishedBefore({ sequence, ...rest }: Delivery): Delivery | undefined {
    const line = this.#lineOf({ sequence, ...rest });
    return this.deliveries.findLast(
      (other) => other.sequence < sequence && other.status !== "pending" && this.#lineOf(other) === line,
    );
  }

  async #stats(): Promise<LaneStats | null> {
    return laneOf(this.#webhook).stats();
  }

  /** The figures, but for what is not written down: in how far the whole lane, and not one line of it, holds back. */
  async #remembered(): Promise<Partial<LaneStats>> {
    const { nextAttemptAt, ...others } = (await this.#stats()) ?? {};
    return this.#ordering === "strict" ? { ...others, nextAttemptAt } : others;
  }

  async #compare(): Promise<void> {
    const stats = await this.#stats();
    const count = (is: (delivery: Delivery) => boolean): number => this.deliveries.filter(is).length;
    const expected = {
      state: this.#state,
      backlog: count(({ status }) => status === "pending"),
      counts: {
        pending: count(({ status, attempts }) => status === "pending" && attempts === 0),
        delivered: count(({ status }) => status === "delivered"),
        failed: count(({ status, attempts }) => status === "pending" && attempts > 0),
        dead: count(({ status }) => status === "dead"),
      },
    };
    const found = stats && { state: stats.state, backlog: stats.backlog, counts: stats.counts };
    this.#demand(same(found, expected), `the lane says ${text(found)}, and it is ${text(expected)}`);
    const hasWork = this.#state === "active" && (expected.backlog > 0 || this.#resends.length > 0);
    if (hasWork) this.#demand((await alarmOf(this.#webhook)) !== null, "work waits and no alarm stands");
    this.#throwWrongs();
  }

  async #compareLog(): Promise<void> {
    const found: unknown[] = [];
    for (let before: number | undefined; ;) {
      const page = await laneOf(this.#webhook).deliveries({ limit: 7, ...(before && { before }) });
      for (const { sequence, status, attempts, eventUuid } of page.deliveries) {
        found.push({ sequence, status, attempts, uuid: eventUuid });
      }
      if (page.next === null) break;
      before = page.next;
    }
    const expected = this.deliveries
      .map(({ sequence, status, attempts, event: { uuid } }) => ({ sequence, status, attempts, uuid }))
      .toReversed();
    this.#demand(same(found, expected), `the log says ${text(found)}, and it is ${text(expected)}`);
    this.#throwWrongs();
  }

  // The receiver

  async #receive({ headers }: Received): Promise<Response> {
    const sequence = Number(headers.get("X-Orchest-Sequence"));
    const attempt = Number(headers.get("X-Orchest-Attempt"));
    const delivery = this.deliveries[sequence - 1];
    if (delivery === undefined) {
      this.#wrongs.push(`${sequence} was sent and never accepted`);
      return new Response();
    }
    const flight = { delivery, again: delivery.status !== "pending" && delivery !== this.#skipping };
    this.#judge(flight, attempt);
    this.#inFlight.add(flight);
    await this.#gate?.promise;
    // After a crash nobody reads the answer.
    if (!this.#inFlight.delete(flight)) return new Response();
    return this.#answer(flight);
  }

  #judge({ delivery, again }: Flight, attempt: number): void {
    const { sequence, attempts, notBefore } = delivery;
    const others = [...this.#inFlight];
    const demand = (isRight: boolean, wrong: string): void =>
      this.#demand(isRight, `${sequence} ${wrong} (attempt ${attempt}, ${this.#ordering})`);
    demand(this.#state === "active", `was sent by a lane that is ${this.#state}`);
    demand(attempt === attempts + 1, `had ${attempts} attempts before`);
    demand(others.length < widths[this.#ordering], "was sent with too many others under way");
    if (again) {
      demand(this.#resends[0]?.delivery === delivery, `is ${delivery.status} and was sent again`);
      demand(!others.some((other) => other.again), "was sent again together with another one");
      return;
    }
    demand(Date.now() >= notBefore, `was sent ${notBefore - Date.now()} ms too early`);
    demand(this.#before(delivery).length === 0, "overtook another one");
    const isBeside = others.some(
      (other) => !other.again && this.#lineOf(other.delivery) === this.#lineOf(delivery),
    );
    demand(!isBeside, "was sent beside another one of its line");
  }

  #answer({ delivery, again }: Flight): Response {
    delivery.attempts += 1;
    const isWell = this.#silent === null && !this.#failing.has(delivery.key);
    this.#failures = isWell ? 0 : this.#failures + 1;
    if (isWell) {
      delivery.status = "delivered";
      if (again) this.#resends.shift();
      return new Response("ok");
    }
    if (this.#silent === "gone") {
      this.#isDisabling = true;
      return new Response(null, { status: 410 });
    }
    if (again) this.#failAgain();
    else if (delivery.attempts >= this.#attemptsMax) delivery.status = "dead";
    else delivery.notBefore = Date.now() + Math.min(2 ** delivery.attempts, 3600) * 800;
    return new Response(null, { status: 500 });
  }

  #failAgain(): void {
    const [resend] = this.#resends;
    if (resend === undefined) return;
    resend.attempts += 1;
    if (resend.attempts >= this.#attemptsMax) this.#resends.shift();
  }

  // The model

  #lineOf({ key, sequence }: Delivery): string {
    if (this.#ordering === "keyed") return key;
    return this.#ordering === "strict" ? "" : String(sequence);
  }

  /** What must be finished before this one may go. */
  #before(delivery: Delivery): Delivery[] {
    return this.deliveries.filter(
      (other) =>
        other.sequence < delivery.sequence &&
        other.status === "pending" &&
        this.#lineOf(other) === this.#lineOf(delivery),
    );
  }

  #pick(place: number): Delivery | undefined {
    return this.deliveries[place % Math.max(this.deliveries.length, 1)];
  }

  #forgetBackOff(): void {
    for (const delivery of this.deliveries) delivery.notBefore = 0;
  }

  #demand(isRight: boolean, wrong: string): void {
    if (!isRight) this.#wrongs.push(wrong);
  }

  #throwWrongs(): void {
    if (this.#wrongs.length > 0) throw new Error(this.#wrongs.join("\n"));
  }
}

function keyOf(kind: number): string {
  return (kinds[kind % kinds.length] ?? kinds[0]).key;
}

function same(left: unknown, right: unknown): boolean {
  return text(left) === text(right);
}

function text(value: unknown): string {
  return JSON.stringify(value);
}
