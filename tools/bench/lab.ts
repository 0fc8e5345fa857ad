/** What every case works with: the gateway and the limits, each in a workerd of its own, receiver and load in theirs. */
import { Gateway, headers } from "./gateway.ts";
import type { Load, LoadCalls, Loaded } from "./load.ts";
import { startProcess } from "./process-calls.ts";
import type { RelayCalls } from "./relay.ts";
import type { Arrivals, ReceiverCalls } from "./receiver.ts";
import { nowMs, sampleEvent } from "./sample-event.ts";
import { startWorker, type WorkerServer } from "./worker-server.ts";

/** How much a run does. `events` is of the cases that send so many; `webhooks` the most that `many` makes. */
export type Sizes = { events: number; webhooks: number };

/** Published and received: what both say of it. */
export type Run = { loaded: Loaded; arrivals: Arrivals };

/** What Queues take in one `sendBatch`. */
const messagesAtOnce = 100;

/** How often steps are taken in turn: `warmUps` are not counted. */
export type Rounds = { warmUps: number; counted: number };

/**
 * Rounds of a case and of its limits, in turn: a machine that is busy for a while slows both. V8 compiles what runs often,
 * and takes two or three rounds for that.
 */
export const rounds: Rounds = { warmUps: 3, counted: 5 };

/** Of what is measured for the record, or takes long. */
export const fewRounds: Rounds = { warmUps: 1, counted: 3 };

export class Lab {
  readonly gateway: Gateway;
  readonly sizes: Sizes;
  readonly #limits: WorkerServer;
  readonly #receiver: ReceiverCalls;
  readonly #receiverOrigin: string;
  readonly #load: LoadCalls;
  readonly #stops: (() => void | Promise<void>)[];

  private constructor(parts: {
    gateway: Gateway;
    sizes: Sizes;
    limits: WorkerServer;
    receiver: { call: ReceiverCalls; stop: () => void };
    receiverOrigin: string;
    load: { call: LoadCalls; stop: () => void };
    relay: { stop: () => void };
  }) {
    this.gateway = parts.gateway;
    this.sizes = parts.sizes;
    this.#limits = parts.limits;
    this.#receiver = parts.receiver.call;
    this.#receiverOrigin = parts.receiverOrigin;
    this.#load = parts.load.call;
    this.#stops = [
      parts.load.stop,
      parts.receiver.stop,
      parts.relay.stop,
      () => parts.limits.stop(),
      () => parts.gateway.worker.stop(),
    ];
  }

  static async open(sizes: Sizes): Promise<Lab> {
    const receiver = await startProcess<ReceiverCalls>("receiver.ts");
    const load = await startProcess<LoadCalls>("load.ts");
    const relay = await startProcess<RelayCalls>("relay.ts");
    const gateway = await Gateway.start({ relay: await relay.call.origin() });
    const limits = await startWorker({ config: "tools/bench/limits/wrangler.toml" });
    const db = await limits.miniflare.getD1Database("DB");
    await db.exec("CREATE TABLE events (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, body TEXT NOT NULL)");
    const receiverOrigin = await receiver.call.origin();
    return new Lab({ gateway, sizes, limits, receiver, receiverOrigin, load, relay });
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) await stop();
  }

  /** A URL of the receiver; its path says what it answers. */
  receiverUrl(path: string): string {
    return this.#receiverOrigin + path;
  }

  /** Publishes to a gateway and waits for `deliveries` at `path`; without any, only for the answers. */
  async publish(
    what: Omit<Load, "url" | "headers"> & { path: string; deliveries: number },
    gateway = this.gateway,
  ): Promise<Run> {
    const { path, deliveries, ...load } = what;
    return this.#run(path, deliveries, () =>
      this.#load.publish({ ...load, url: gateway.eventsUrl, headers }),
    );
  }

  /** The same load, on a path of the limits. */
  async publishToLimit(
    limitPath: string,
    what: Omit<Load, "url" | "headers"> & { path: string; deliveries: number },
  ): Promise<Run> {
    const { path, deliveries, ...load } = what;
    const url = `${this.#limits.origin}${limitPath}`;
    return this.#run(path, deliveries, () => this.#load.publish({ ...load, url, headers: {} }));
  }

  async #run(path: string, deliveries: number, publish: () => Promise<Loaded>): Promise<Run> {
    await this.#receiver.expect({ path });
    const arrived = this.#receiver.arrived({ count: deliveries });
    const loaded = await publish();
    return { loaded, arrivals: await arrived };
  }

  /** Does something and waits for `deliveries` at `path`. @returns deliveries per second, from its beginning on. */
  async deliveryRate(path: string, deliveries: number, begin: () => Promise<unknown>): Promise<number> {
    await this.#receiver.expect({ path });
    const arrived = this.#receiver.arrived({ count: deliveries });
    const startedAtMs = nowMs();
    await begin();
    const { lastAtMs } = await arrived;
    return perS(deliveries, lastAtMs - startedAtMs);
  }

  /** Sends so many events as queue messages, each about one of `projects` projects in turn. */
  async sendToQueue(events: number, projects: number): Promise<void> {
    const queue = await this.gateway.worker.miniflare.getQueueProducer<string>("EVENTS");
    for (let first = 0; first < events; first += messagesAtOnce) {
      const messages = Array.from({ length: Math.min(messagesAtOnce, events - first) }, (_, place) => ({
        body: sampleEvent({ project: (first + place) % projects, sentAtMs: nowMs() }),
        contentType: "text" as const,
      }));
      await queue.sendBatch(messages);
    }
  }

  /** Limit D: deliveries per second of so many lanes that have their rows already. */
  async limitD(deliveries: number, lanes: number): Promise<number> {
    const rows = Math.ceil(deliveries / lanes);
    await this.callLimit(`/fill?lanes=${lanes}&rows=${rows}`);
    const to = encodeURIComponent(this.receiverUrl("/ok/limit-d"));
    return this.deliveryRate("/limit-d", rows * lanes, () =>
      this.callLimit(`/drain?lanes=${lanes}&to=${to}`),
    );
  }

  /** Limits A (`atOnce` 1) and B (32): bare signed requests per second. */
  async limitSend(deliveries: number, atOnce: number): Promise<number> {
    const to = encodeURIComponent(this.receiverUrl("/ok/limit-send"));
    return this.deliveryRate("/limit-send", deliveries, () =>
      this.callLimit(`/send?count=${deliveries}&atOnce=${atOnce}&to=${to}`),
    );
  }

  /** The processor time of the gateway's workerd while something runs, in ms. */
  async gatewayCpuMs(run: () => Promise<unknown>): Promise<number> {
    return cpuMsDuring(this.gateway.worker, run);
  }

  /** The same of the limits'. */
  async limitsCpuMs(run: () => Promise<unknown>): Promise<number> {
    return cpuMsDuring(this.#limits, run);
  }

  async callLimit(path: string): Promise<void> {
    const response = await fetch(this.#limits.origin + path);
    if (!response.ok) throw new Error(`${path} of the limits answered ${response.status}.`);
  }
}

/** Deliveries per second, from the first request on. */
export function deliveriesPerS({ loaded, arrivals }: Run): number {
  return perS(arrivals.count, arrivals.lastAtMs - loaded.startedAtMs);
}

export function perS(count: number, ms: number): number {
  return (count * 1000) / ms;
}

async function cpuMsDuring(worker: WorkerServer, run: () => Promise<unknown>): Promise<number> {
  const before = worker.cpuMs();
  await run();
  return worker.cpuMs() - before;
}

/** The value below which `share` (0 to 1) of them lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Runs `steps` in turn. @returns the medians of those that count, by step. */
export async function inTurn<Step extends string>(
  { warmUps, counted }: Rounds,
  steps: Record<Step, () => Promise<number>>,
): Promise<Record<Step, number>> {
  const names = Object.keys(steps) as Step[];
  const values = new Map<Step, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < warmUps + counted; round += 1) {
    for (const name of names) {
      const value = await steps[name]();
      if (round >= warmUps) values.get(name)?.push(value);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(values.get(name) ?? [])])) as Record<
    Step,
    number
  >;
}
