/** Hands over the events that wait in D1. Cron does so, and the queue consumer for a hand-over message. */
import { readLaneConfigRow } from "../lane/lane-configs";
import { forEachConcurrent } from "../platform/concurrency";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import { callLane } from "./call-lane";
import { lanesAtOnce } from "./hand-over";
import { refreshRouting } from "./shard/routing-shards";
import {
  nextHandovers,
  type PendingPage,
  removeHandovers,
  setAsideHandovers,
  webhooksWithHandovers,
} from "./handovers";

/** The most events per call of a lane, and the bytes of texts at which a page ends: many lanes are called at once. */
const pageMax = { events: 100, bytes: 500_000 };
/** The most webhooks per run. The next run continues. */
const webhooksMax = 1000;
/** How long a run starts new calls. */
const runMs = 45_000;

/**
 * Hands over all waiting events. @returns whether every lane has accepted its events. @throws when D1 cannot be
 * reached.
 */
export async function handOverAll(env: Env): Promise<boolean> {
  const until = Date.now() + runMs;
  let allAccepted = true;
  const webhookIds = await withTimeout(webhooksWithHandovers(env.DB, webhooksMax));
  await forEachConcurrent(lanesAtOnce, webhookIds, async (webhookId) => {
    allAccepted = (await handOverTo(env, webhookId, until)) && allAccepted;
  });
  // Until a shard knows that nothing waits any more, each publish for these webhooks would look into D1.
  if (webhookIds.length > 0) await refreshRouting(env);
  return allAccepted;
}

/**
 * Hands the events that wait for a webhook over to its lane, in order. Concurrent calls are safe: a lane ignores events
 * that it has, and each call keeps the order. The lane of a disabled webhook accepts them, too, because they were
 * accepted before it was disabled.
 * @param until the time (ms) after which no new page is started.
 * @returns false when the lane failed or the time was over: the remaining events keep waiting. @throws when D1 does not
 *   respond in time.
 */
export async function handOverTo(env: Env, webhookId: number, until = Date.now() + runMs): Promise<boolean> {
  while (Date.now() < until) {
    const page = await withTimeout(nextHandovers(env.DB, webhookId, pageMax));
    if (page === null) {
      // No events are left: this clears the mark `waits`.
      await withTimeout(removeHandovers(env.DB, webhookId, 0));
      return true;
    }
    if (page.orphans.length > 0) logOrphans(webhookId, page.orphans);
    if (page.events.length > 0 && !(await handOverPage(env, webhookId, page))) return false;
    await withTimeout(removeHandovers(env.DB, webhookId, page.lastId));
  }
  return false;
}

/** @returns whether the page is finished: handed over, set aside, or not needed any more. */
async function handOverPage(env: Env, webhookId: number, { events, lastId }: PendingPage): Promise<boolean> {
  const webhook = await withTimeout(readLaneConfigRow(env.DB, webhookId));
  if (webhook === null) return true;
  const { uuid, version } = webhook;
  const result = await callLane(env, {
    config: { version, webhook: { uuid } },
    events,
    isAcknowledged: true,
  });
  if (result === null) return false;
  if (result.outcome === "accepted") return true;
  // The row may have been deleted since it was read.
  if ((await withTimeout(readLaneConfigRow(env.DB, webhookId))) === null) return true;
  const reason = "The webhook's lane is closed as deleted, but the webhook exists in the database.";
  const rows = await withTimeout(setAsideHandovers(env.DB, webhookId, { lastId, reason }));
  log("error", "hand-overs set aside", { webhook: uuid, events: rows, reason });
  return true;
}

function logOrphans(webhookId: number, ids: readonly number[]): void {
  log("error", "hand-overs set aside", {
    webhook_id: webhookId,
    events: ids.length,
    reason: "Their events are no longer stored.",
  });
}
