/**
 * `simulation`: how many events a second the objects can take, when each runs on a machine of its own. No object may be busy for
 * more than 70 % of the time. What a call keeps an object busy for is measured; which objects are called is chance, as the hash of a
 * uuid is. Workers are not in it: there are as many as it takes.
 */
import { measureOwnTimes, startMeteredGateway } from "../cost/measure-bill.ts";
import { type Figures, figure } from "../figures.ts";
import type { Lab } from "../lab.ts";

const busyMax = 0.7;
const counts = [4, 16, 64, 256];
const lanes = 10_000;
/** Per shard: so many that chance makes none much busier than the others. */
const eventsPerShard = 4000;

/** How long a call keeps its object busy, in ms: a shard's one with one event, and with each further one; a delivery its lane. */
type Times = { shardFirst: number; shardFurther: number; lane: number };

/** `perS`: events per second. `requests`: of shards, per event. `failing`: the share of requests that one shard which is down fails. */
type Outcome = { perS: number; requests: number; failing: number };

export async function simulation(lab: Lab): Promise<Figures> {
  const times = await measureTimes(lab);
  const singles = counts.map((shards) => simulate(shards, 1, times));
  const batches = counts.map((shards) => simulate(shards, 100, times));
  const figures: Figures = {};
  for (const [place, shards] of counts.entries()) {
    const [one, many] = [singles[place], batches[place]];
    if (one === undefined || many === undefined) continue;
    figures[shards === 16 ? "simulation" : `simulation, ${shards} shards`] = figure({
      value: one.perS,
      limit: 5000,
      goal: shards === 16 ? 1 : null,
      better: "higher",
      unit: `single events/s, ${shards} shards`,
      against: "5,000 events/s",
    });
    figures[`simulation, ${shards} shards, batches`] = figure({
      value: many.perS,
      limit: one.perS,
      goal: null,
      better: "higher",
      unit: `events/s in batches of 100; ${many.requests.toFixed(2)} shard requests per event; one shard down fails ${(100 * many.failing).toFixed(0)} %`,
      against: "single events",
    });
  }
  const [of16, of256] = [singles[1], singles[3]];
  if (of16 !== undefined && of256 !== undefined) {
    figures["simulation, linear"] = figure({
      value: of256.perS / 256,
      limit: of16.perS / 16,
      goal: 0.9,
      better: "higher",
      unit: "single events/s per shard, of 256",
      against: "of 16",
    });
  }
  return figures;
}

async function measureTimes(lab: Lab): Promise<Times> {
  const gateway = await startMeteredGateway();
  try {
    const origin = lab.receiverUrl("");
    const one = await measureOwnTimes(gateway, origin, 1);
    const batch = await measureOwnTimes(gateway, origin, 100);
    const shardFirst = one.shards.awakeMs / one.shards.requests;
    const perCall = 100 / batch.shards.requests;
    const shardFurther = (batch.shards.awakeMs / batch.shards.requests - shardFirst) / (perCall - 1);
    return { shardFirst, shardFurther: Math.max(shardFurther, 0), lane: one.laneMsPerDelivery };
  } finally {
    await gateway.worker.stop();
  }
}

function simulate(shards: number, batch: number, times: Times): Outcome {
  const requests = Math.ceil((eventsPerShard * shards) / batch);
  const busyMs = Array.from({ length: shards }, () => 0);
  const laneMs = Array.from({ length: lanes }, () => 0);
  let shardRequests = 0;
  let failing = 0;
  for (let request = 0; request < requests; request += 1) {
    const parts = new Map<number, number>();
    for (let place = 0; place < batch; place += 1) {
      const shard = Math.floor(Math.random() * shards);
      parts.set(shard, (parts.get(shard) ?? 0) + 1);
      const lane = Math.floor(Math.random() * lanes);
      laneMs[lane] = (laneMs[lane] ?? 0) + times.lane;
    }
    shardRequests += parts.size;
    if (parts.has(0)) failing += 1;
    for (const [shard, events] of parts) {
      busyMs[shard] = (busyMs[shard] ?? 0) + times.shardFirst + (events - 1) * times.shardFurther;
    }
  }
  const events = requests * batch;
  const busiest = Math.max(...busyMs, ...laneMs);
  return {
    perS: (busyMax * events * 1000) / busiest,
    requests: shardRequests / events,
    failing: failing / requests,
  };
}
