/**
 * Hands events over to the lanes of the matching webhooks. Several lanes are called at once, each with all of its
 * events, until the deadline. Events that no lane has accepted by then wait in D1.
 */
import type { HandoverEvent } from "../lane/handover";
import { afterAnswer } from "../platform/after-answer";
import { forEachConcurrent } from "../platform/concurrency";
import { unavailable } from "../platform/errors";
import { log } from "../platform/log";
import { repeatTransient } from "../platform/repeat-transient";
import { waitUpTo, withTimeout } from "../platform/timeouts";
import { callLane } from "./call-lane";
import { withoutDeleted } from "./closed-lanes";
import { type AppendedFor, appendStatements, type WaitingEvent } from "./handovers";
import type { ArchivedEvent } from "./publish-to-shards";
import { refreshRouting } from "./shard/routing-shards";
import type { RoutedWebhook } from "./shard/types";
import { setWaits } from "./shard/waits";

/** How many lanes are called at once. A slow lane does not count, so that it delays no others. */
export const lanesAtOnce = 50;
/** The characters of events in calls of lanes, beyond which fewer lanes are called at once and slow ones count. */
const charactersInCallsMax = 20_000_000;
/** The time after which a lane counts as slow. */
const slowMs = 250;
/** How long lanes are called, from the start of the request: most of the 10 s that a publisher waits at most. */
const lanesMs = 7500;
/** The deadline for storing waiting events in D1, from the start of the request. */
const deadlineMs = 10_000;
/** The timeout of sending messages to the queue. */
const sendMs = 5000;
/** The most messages that a queue accepts at once. */
const messagesAtOnce = 100;

/** The events of a request for one webhook, in the request's order. */
export type LaneBatch = { webhook: RoutedWebhook; events: HandoverEvent[] };

/** Is called with each event that is a new delivery of a webhook. */
type CountNew = (event: HandoverEvent) => void;

/**
 * Hands events over. On return, every event is stored in its lane or in D1, or its webhook is deleted or disabled.
 * Events of a webhook with others waiting in D1 are appended after them.
 * @param options.events all events of the request, in order.
 * @param options.startedAt when the request began, in ms: it is over 10 s later.
 * @param options.count is called once for each new delivery.
 * @throws {RequestError} 503 when events that no lane accepted could not be stored in D1 in time. The caller repeats
 *   it: no event is accepted twice.
 */
export async function handOver(
  env: Env,
  laneBatches: readonly LaneBatch[],
  { startedAt, events, count }: { startedAt: number; events: readonly ArchivedEvent[]; count: CountNew },
): Promise<void> {
  const left = (until: number): number => Math.max(0, startedAt + until - Date.now());
  const [waiting, direct] = [
    laneBatches.filter(({ webhook }) => webhook.waits),
    laneBatches.filter(({ webhook }) => !webhook.waits),
  ];
  const appended = appendToWaiting(env, waiting, { events, count, leftMs: left(deadlineMs) });
  // Its failure is thrown after the calls of lanes, which continue meanwhile.
  appended.catch(() => undefined);
  const leftMs = (): number => left(lanesMs);
  const notAccepted = await callLanes(env, direct, { count, leftMs });
  const notWaiting = await appended;
  // Their waiting events were handed over, and the shards do not know yet.
  if (notWaiting.length > 0) await afterAnswer(refreshRouting(env));
  notAccepted.push(...(await callLanes(env, notWaiting, { count, leftMs })));
  if (notAccepted.length > 0)
    await storeAsWaiting(env, notAccepted, { events, count, leftMs: left(deadlineMs) });
}

/** Calls lanes. @returns the batches of lanes that did not accept them, and whose webhooks exist. */
async function callLanes(
  env: Env,
  laneBatches: readonly LaneBatch[],
  { count, leftMs }: { count: CountNew; leftMs: () => number },
): Promise<LaneBatch[]> {
  const notAccepted: LaneBatch[] = [];
  const closed: LaneBatch[] = [];
  const slow: Promise<void>[] = [];
  let charactersInCalls = 0;
  const largest = laneBatches.reduce((most, { events }) => Math.max(most, charactersOf(events)), 1);
  const atOnce = Math.max(1, Math.min(lanesAtOnce, Math.floor(charactersInCallsMax / largest)));
  // Where none has to wait for another one, no timer is needed.
  if (laneBatches.length <= atOnce) await Promise.all(laneBatches.map(callWithBatch));
  else {
    await forEachConcurrent(atOnce, laneBatches, async (laneBatch) => {
      const called = callWithBatch(laneBatch);
      slow.push(called);
      await (charactersInCalls > charactersInCallsMax ? called : waitUpTo(slowMs, called));
    });
    await Promise.all(slow);
  }
  return [...notAccepted, ...(await withoutDeleted(env, closed))];

  async function callWithBatch(laneBatch: LaneBatch): Promise<void> {
    const { webhook, events } = laneBatch;
    const config = { version: webhook.version, webhook: { uuid: webhook.uuid } };
    const characters = charactersOf(events);
    charactersInCalls += characters;
    const result = await callLane(env, { config, events }, leftMs);
    charactersInCalls -= characters;
    if (result === null) notAccepted.push(laneBatch);
    else if (result.outcome === "accepted") {
      for (const [place, event] of events.entries()) if (result.fresh[place]) count(event);
    } else if (result.because === "deleted") closed.push(laneBatch);
  }
}

/**
 * Appends events after those that wait for the same lanes. @returns the batches of webhooks that no longer have waiting
 * events, for which nothing was appended.
 */
async function appendToWaiting(
  env: Env,
  laneBatches: readonly LaneBatch[],
  { events, count, leftMs }: { events: readonly ArchivedEvent[]; count: CountNew; leftMs: number },
): Promise<LaneBatch[]> {
  if (laneBatches.length === 0) return [];
  const waiting = byEvent(events, laneBatches);
  const results = await withDeadline(leftMs, () =>
    repeatTransient(() => env.DB.batch<AppendedFor>(appendStatements(env.DB, waiting))),
  );
  const appended = new Set(results.at(-1)?.results.map(({ id }) => id));
  for (const { webhook, events: own } of laneBatches) if (appended.has(webhook.id)) countNew(own, count);
  return laneBatches.filter(({ webhook }) => !appended.has(webhook.id));
}

/**
 * Announces to the shards that events wait for these webhooks, stores the events, and sends hand-over messages to the
 * queue.
 */
async function storeAsWaiting(
  env: Env,
  laneBatches: readonly LaneBatch[],
  { events, count, leftMs }: { events: readonly ArchivedEvent[]; count: CountNew; leftMs: number },
): Promise<void> {
  const ids = laneBatches.map(({ webhook }) => webhook.id);
  await withDeadline(leftMs, () =>
    setWaits(env, ids, appendStatements(env.DB, byEvent(events, laneBatches)), { commitMs: leftMs }),
  );
  for (const { events: own } of laneBatches) countNew(own, count);
  log("warn", "events wait for lanes", {
    webhooks: laneBatches.map(({ webhook }) => webhook.uuid).slice(0, 20),
  });
  await afterAnswer(sendMessages(env, ids));
}

/** Sends a hand-over message for each of these webhooks (ids in D1). What fails is left to cron. */
async function sendMessages(env: Env, ids: readonly number[]): Promise<void> {
  const messages = ids.map((handover) => ({ body: { handover } }));
  const send = async (): Promise<void> => {
    for (let first = 0; first < messages.length; first += messagesAtOnce)
      await env.EVENTS.sendBatch(messages.slice(first, first + messagesAtOnce));
  };
  try {
    await withTimeout(send(), sendMs);
  } catch (error) {
    log("warn", "hand-over left to cron", { webhooks: ids.length, error: String(error) });
  }
}

function charactersOf(events: readonly HandoverEvent[]): number {
  return events.reduce((sum, { body }) => sum + body.length, 0);
}

/** Counts only events that were accepted for the first time: the lane may have a repeated event already. */
function countNew(events: readonly HandoverEvent[], count: CountNew): void {
  for (const event of events) if (!event.maybeKnown) count(event);
}

/** @returns the events of the batches with their webhooks, in the order of the request. */
function byEvent(events: readonly ArchivedEvent[], laneBatches: readonly LaneBatch[]): WaitingEvent[] {
  const waiting = new Map<string, WaitingEvent>();
  for (const { webhook, events: own } of laneBatches) {
    for (const event of own) {
      const one = waiting.get(event.uuid) ?? { event, webhookIds: [] };
      waiting.set(event.uuid, one);
      one.webhookIds.push(webhook.id);
    }
  }
  return events.flatMap(({ event }) => waiting.get(event.uuid) ?? []);
}

async function withDeadline<Result>(ms: number, work: () => Promise<Result>): Promise<Result> {
  try {
    return await withTimeout(work(), ms);
  } catch (cause) {
    log("error", "waiting events not stored", { error: String(cause) });
    throw unavailable("Not every event could be handed over. Publish again.", { retryAfterS: 1, cause });
  }
}
