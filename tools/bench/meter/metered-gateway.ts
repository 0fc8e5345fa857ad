/** The gateway, unchanged, in a shell that counts: what `--cost` runs instead of `src/index.ts`. */
import { RoutingReplica } from "../../../src/events/shard/routing-replica";
import { shardStub } from "../../../src/events/shard/shard-of";
import gateway, { EventShard as Shard, WebhookLane as Lane } from "../../../src/index";
import { WebhookLane as BareLane } from "../../../src/lane/webhook-lane";
import type { Matching } from "../cases/routing";
import { type Metered, nothing } from "../cost/usage";
import { Awake, meteredEnv, meterStorage } from "./meter";

export { RelayHub } from "../../../src/index";

/** By the case that a request names, and by a lane's webhook. */
const meters = new Map<string, Metered>();

function meterOf(name: string): Metered {
  const present = meters.get(name);
  if (present !== undefined) return present;
  const meter = nothing();
  meters.set(name, meter);
  return meter;
}

const bareFetch = globalThis.fetch;

/** Each object's meters: set before its constructor ends, and so before anything is called. */
const metersOf = new WeakMap<object, { meter: Metered; awake: Awake }>();

/** Counts what an object uses, from before its constructor on. @returns what it is to be made with. */
function metered(ctx: DurableObjectState, env: Env, name: string) {
  const meter = meterOf(name);
  const awake = new Awake(meter);
  meterStorage(ctx.storage, meter);
  const waitUntil = ctx.waitUntil.bind(ctx);
  ctx.waitUntil = (work) => waitUntil(awake.during(Promise.resolve(work)));
  return { ctx, env: meteredEnv(env, meter), own: { meter, awake } };
}

export class WebhookLane extends Lane {
  constructor(ctx: DurableObjectState, env: Env) {
    const shell = metered(ctx, env, ctx.id.name ?? "");
    super(shell.ctx, shell.env);
    metersOf.set(this, shell.own);
  }
}

/** All shards have one meter. */
export class EventShard extends Shard {
  constructor(ctx: DurableObjectState, env: Env) {
    const shell = metered(ctx, env, "shards");
    super(shell.ctx, shell.env);
    metersOf.set(this, shell.own);
  }

  /** Matches an event `times` times, each in another project. @returns how long one takes, in ms, and among how many subscriptions. */
  async timeMatching(type: string, times: number): Promise<Matching> {
    const { sql } = this.ctx.storage;
    const replica = new RoutingReplica(sql);
    const { subscriptions } = sql
      .exec<{ subscriptions: number }>("SELECT count(*) AS subscriptions FROM subscriptions")
      .one();
    // The clock stands still while nothing is awaited.
    await scheduler.wait(1);
    const startedMs = Date.now();
    for (let time = 0; time < times; time += 1) {
      replica.match([{ type, projectUuid: `project ${time}`, jobUuid: `job ${time}` }]);
    }
    await scheduler.wait(1);
    return { ms: (Date.now() - startedMs) / times, subscriptions };
  }

  /** Ends the object, which the next call starts again from its disk. */
  async stop(): Promise<void> {
    this.ctx.abort("stopped by the bench");
  }
}

/** Not counted: `stats` is what the bench itself asks. */
const notCounted = new Set(["constructor", "stats"]);

// Whatever can be called of an object: each call is a request, and so is each run of the alarm.
for (const [bare, counting, own] of [
  [BareLane, WebhookLane, Lane],
  [Shard, EventShard, Shard],
] as const) {
  for (const name of Object.getOwnPropertyNames(bare.prototype)) {
    if (notCounted.has(name)) continue;
    const method: (...values: unknown[]) => Promise<unknown> = Reflect.get(own.prototype, name);
    Object.defineProperty(counting.prototype, name, {
      value(this: object, ...values: unknown[]): Promise<unknown> {
        const meters = metersOf.get(this);
        if (meters === undefined) return method.apply(this, values);
        meters.meter.requests += 1;
        return meters.awake.during(method.apply(this, values));
      },
    });
  }
}

// A lane's only fetch is an attempt. It is counted under the path: each webhook of the bench has its own.
globalThis.fetch = async (input, init) => {
  const startedMs = Date.now();
  try {
    return await bareFetch(input, init);
  } finally {
    const meter = meterOf(new URL(new Request(input).url).pathname);
    meter.fetches += 1;
    meter.fetchMs += Date.now() - startedMs;
  }
};

function shard(env: Env, number: number): DurableObjectStub<EventShard> {
  return shardStub(env, number) as unknown as DurableObjectStub<EventShard>;
}

export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/meters") {
      const counted = Response.json(Object.fromEntries(meters));
      for (const meter of meters.values()) Object.assign(meter, nothing());
      return counted;
    }
    if (pathname === "/matching") {
      return Response.json(await shard(env, 0).timeMatching(searchParams.get("type") ?? "", 2000));
    }
    if (pathname === "/stop-shards") {
      // Each call fails: the object that it was made of is gone.
      const calls = await Promise.allSettled(
        Array.from({ length: Number(env.EVENT_SHARDS) }, (_, number) => shard(env, number).stop()),
      );
      if (calls.length === 0 || calls.some(({ status }) => status !== "rejected"))
        throw new Error("A shard was not stopped.");
      return Response.json(null);
    }
    const meter = meterOf(request.headers.get("x-case") ?? "none");
    meter.workerRequests += 1;
    return gateway.fetch(request, meteredEnv(env, meter), ctx);
  },
  queue: (batch, env) => gateway.queue(batch, meteredEnv(env, meterOf("queue"))),
  scheduled: (controller, env) => gateway.scheduled(controller, meteredEnv(env, meterOf("cron"))),
} satisfies ExportedHandler<Env>;
