/** The gateway, unchanged, in a shell that counts: what `--cost` runs instead of `src/index.ts`. */
import gateway, { WebhookLane as Lane } from "../../../src/index";
import { WebhookLane as BareLane } from "../../../src/lane/webhook-lane";
import { type Metered, nothing } from "../cost/usage";
import { Awake, meteredEnv, meterStorage } from "./meter";

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

/** Each lane's meters: set before its constructor ends, and so before anything is called. */
const metersOf = new WeakMap<object, { meter: Metered; awake: Awake }>();

export class WebhookLane extends Lane {
  constructor(ctx: DurableObjectState, env: Env) {
    const meter = meterOf(ctx.id.name ?? "");
    const awake = new Awake(meter);
    meterStorage(ctx.storage, meter);
    const waitUntil = ctx.waitUntil.bind(ctx);
    ctx.waitUntil = (work) => waitUntil(awake.during(Promise.resolve(work)));
    super(ctx, meteredEnv(env, meter));
    metersOf.set(this, { meter, awake });
  }
}

/** Not counted: `stats` is what the bench itself asks. */
const notCounted = new Set(["constructor", "stats"]);

// Whatever can be called of a lane: each call is a request, and so is each run of the alarm.
for (const name of Object.getOwnPropertyNames(BareLane.prototype)) {
  if (notCounted.has(name)) continue;
  const bare: (...values: unknown[]) => Promise<unknown> = Reflect.get(Lane.prototype, name);
  Object.defineProperty(WebhookLane.prototype, name, {
    value(this: WebhookLane, ...values: unknown[]): Promise<unknown> {
      const own = metersOf.get(this);
      if (own === undefined) return bare.apply(this, values);
      own.meter.laneRequests += 1;
      return own.awake.during(bare.apply(this, values));
    },
  });
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

export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname === "/meters") {
      const counted = Response.json(Object.fromEntries(meters));
      for (const meter of meters.values()) Object.assign(meter, nothing());
      return counted;
    }
    const meter = meterOf(request.headers.get("x-case") ?? "none");
    meter.workerRequests += 1;
    return gateway.fetch(request, meteredEnv(env, meter), ctx);
  },
  queue: (batch, env) => gateway.queue(batch, meteredEnv(env, meterOf("queue"))),
  scheduled: (controller, env) => gateway.scheduled(controller, meteredEnv(env, meterOf("cron"))),
} satisfies ExportedHandler<Env>;
