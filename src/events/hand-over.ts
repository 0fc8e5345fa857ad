/**
 * Handing events over to the lanes of the webhooks that hear them: each lane is called with its share, several at once, until
 * the deadline. What was not taken by then waits in D1.
 */
import type { HandoverEvent } from "../lane/handover";
import { forEachConcurrent } from "../platform/concurrency";
import { unavailable } from "../platform/errors";
import { log } from "../platform/log";
import { waitUpTo, withTimeout } from "../platform/timeouts";
import { callLane } from "./call-lane";
import { type AppendedFor, appendStatements, type WaitingEvent } from "./handovers";
import type { RoutedWebhook } from "./shard/types";
import { setWaits } from "./shard/waits";

/** How many lanes are called at once. One that is slow to answer makes room for the next: it holds up no others. */
export const lanesAtOnce = 50;
const slowMs = 250;
/** For so long lanes are called, of the 10 s that a publisher waits at most. */
const lanesMs = 7500;
/** Writing down what waits may take until this, from the beginning. */
const deadlineMs = 10_000;
/** Queues take so many messages at once. */
const messagesAtOnce = 100;

/** The events of a request for one webhook, in the request's order. */
export type Share = { webhook: RoutedWebhook; events: HandoverEvent[] };

/** Told which events are new deliveries of a webhook. */
type Counted = (event: HandoverEvent) => void;

/**
 * On return, every event is on disk, in its lane or in D1, or its webhook is deleted or disabled. Events of a webhook that has
 * others waiting in D1 are appended behind them.
 * @param count is called once for each new delivery.
 * @throws {RequestError} 503 when what no lane took could not be written down in time: a repeat takes nothing twice.
 */
export async function handOver(env: Env, shares: readonly Share[], count: Counted): Promise<void> {
  const startedAt = Date.now();
  const left = (until: number): number => Math.max(0, startedAt + until - Date.now());
  const [waiting, direct] = [
    shares.filter(({ webhook }) => webhook.waits),
    shares.filter(({ webhook }) => !webhook.waits),
  ];
  const untaken: Share[] = [];
  const appended = appendBehind(env, waiting, count);
  // Its failure is told behind the calls of lanes, which go on.
  appended.catch(() => undefined);
  await callLanes(env, direct, { count, untaken, leftMs: () => left(lanesMs) });
  const notWaiting = await appended;
  // What waited was handed over meanwhile.
  await callLanes(env, notWaiting, { count, untaken, leftMs: () => left(lanesMs) });
  if (untaken.length > 0) await beginToWait(env, untaken, { count, leftMs: left(deadlineMs) });
}

async function callLanes(
  env: Env,
  shares: readonly Share[],
  { count, untaken, leftMs }: { count: Counted; untaken: Share[]; leftMs: () => number },
): Promise<void> {
  const slow: Promise<void>[] = [];
  await forEachConcurrent(lanesAtOnce, shares, async (share) => {
    const called = callWithShare(share);
    slow.push(called);
    await waitUpTo(slowMs, called);
  });
  await Promise.all(slow);

  async function callWithShare(share: Share): Promise<void> {
    const { webhook, events } = share;
    const config = { version: webhook.version, webhook: { uuid: webhook.uuid } };
    const result = await callLane(env, { config, events }, leftMs);
    if (result === null) untaken.push(share);
    else if (result.outcome === "accepted") {
      for (const [place, event] of events.entries()) if (result.fresh[place]) count(event);
    }
  }
}

/** @returns the shares of webhooks that do not wait any more: nothing of them was appended. */
async function appendBehind(env: Env, shares: readonly Share[], count: Counted): Promise<Share[]> {
  if (shares.length === 0) return [];
  const results = await withDeadline(deadlineMs, () =>
    env.DB.batch<AppendedFor>(appendStatements(env.DB, byEvent(shares))),
  );
  const appended = new Set(results.at(-1)?.results.map(({ id }) => id));
  for (const { webhook, events } of shares) if (appended.has(webhook.id)) countNew(events, count);
  return shares.filter(({ webhook }) => !appended.has(webhook.id));
}

/** Has shards told that these webhooks wait, writes their events down, and asks the queue to hand them over. */
async function beginToWait(
  env: Env,
  shares: readonly Share[],
  { count, leftMs }: { count: Counted; leftMs: number },
): Promise<void> {
  const ids = shares.map(({ webhook }) => webhook.id);
  await withDeadline(leftMs, () => setWaits(env, ids, appendStatements(env.DB, byEvent(shares))));
  for (const { events } of shares) countNew(events, count);
  log("warn", "events wait for lanes", { webhooks: shares.map(({ webhook }) => webhook.uuid).slice(0, 20) });
  const messages = ids.map((handover) => ({ body: { handover } }));
  try {
    for (let first = 0; first < messages.length; first += messagesAtOnce) {
      await env.EVENTS.sendBatch(messages.slice(first, first + messagesAtOnce));
    }
  } catch (error) {
    log("warn", "hand-over left to cron", { webhooks: ids.length, error: String(error) });
  }
}

/** The lane may have a repeat already. Only a first acceptance is certain to be a new delivery. */
function countNew(events: readonly HandoverEvent[], count: Counted): void {
  for (const event of events) if (!event.maybeKnown) count(event);
}

/** Every event with the webhooks that it is for, in the order in which a share has them. */
function byEvent(shares: readonly Share[]): WaitingEvent[] {
  const waiting = new Map<string, WaitingEvent>();
  for (const { webhook, events } of shares) {
    for (const event of events) {
      const one = waiting.get(event.uuid) ?? { event, webhookIds: [] };
      waiting.set(event.uuid, one);
      one.webhookIds.push(webhook.id);
    }
  }
  return [...waiting.values()];
}

async function withDeadline<Result>(ms: number, work: () => Promise<Result>): Promise<Result> {
  try {
    return await withTimeout(work(), ms);
  } catch (cause) {
    log("error", "what waits could not be written down", { error: String(cause) });
    throw unavailable("Not every event could be handed over. Publish again.", { retryAfterS: 1, cause });
  }
}
