/**
 * `routing`: how long a shard takes to find out who hears an event, with 100,000 subscriptions of others; and how much longer
 * the first event takes that comes to shards which were not awake.
 */
import { startMeteredGateway } from "../cost/measure-bill.ts";
import { type Figures, figure } from "../figures.ts";
import type { Gateway } from "../gateway.ts";
import { type Lab, median } from "../lab.ts";
import { addWebhooks, publishNobodys, subscriptionsEach } from "../other-webhooks.ts";
import { eventType } from "../sample-event.ts";

const rounds = 25;

/** How long one event takes to match (ms), and how many subscriptions the shard has. */
export type Matching = { ms: number; subscriptions: number };

export async function routing(lab: Lab): Promise<Figures> {
  const { webhooks } = lab.sizes;
  const gateway = await startMeteredGateway();
  try {
    await addWebhooks(gateway, webhooks);
    const matching: number[] = [];
    const awake: number[] = [];
    const asleep: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      matching.push(await matchMs(gateway, webhooks * subscriptionsEach));
      // So many that each shard gets some.
      await publishMs(gateway, 100);
      awake.push(await publishMs(gateway, 1));
      await gateway.call("GET", "/stop-shards");
      asleep.push(await publishMs(gateway, 1));
    }
    const among = `with ${webhooks * subscriptionsEach} subscriptions`;
    return {
      routing: figure({
        value: median(matching),
        limit: 0.3,
        goal: 1,
        better: "lower",
        unit: `ms to match an event ${among}`,
        against: "0.3 ms",
      }),
      "routing, wake-up": figure({
        value: median(asleep) - median(awake),
        limit: 50,
        goal: 1,
        better: "lower",
        unit: `ms longer for the first event of a shard ${among}`,
        against: "50 ms",
      }),
    };
  } finally {
    await gateway.worker.stop();
  }
}

/** Publishes so many events in one request. @returns how long that took. */
async function publishMs(gateway: Gateway, count: number): Promise<number> {
  const startedMs = performance.now();
  const { status } = await publishNobodys(gateway, count);
  if (status !== 202) throw new Error(`Publishing answered ${status}.`);
  return performance.now() - startedMs;
}

/** @throws when the shard has fewer subscriptions than it should. */
async function matchMs(gateway: Gateway, subscriptionsMin: number): Promise<number> {
  const answer = await gateway.call("GET", `/matching?type=${encodeURIComponent(eventType)}`);
  const { ms, subscriptions } = answer as Matching;
  if (subscriptions < subscriptionsMin) throw new Error(`The shard has only ${subscriptions} subscriptions.`);
  return ms;
}
