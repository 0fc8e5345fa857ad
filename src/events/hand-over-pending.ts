/** Handing over the events that wait in D1, when a queue message asks for it and by cron. */
import { readLaneConfigRow } from "../lane/lane-configs";
import { forEachConcurrent } from "../platform/concurrency";
import { log } from "../platform/log";
import { callLane } from "./call-lane";
import { lanesAtOnce } from "./hand-over";
import {
  nextHandovers,
  type PendingPage,
  removeHandovers,
  setAsideHandovers,
  webhooksWithHandovers,
} from "./handovers";

/** Events per call of a lane: together they stay below the size limit of an RPC message (32 MiB). */
const eventsAtOnce = 100;
/** One run hands over to so many webhooks, and begins no call after so long: the next one goes on. */
const webhooksMax = 1000;
const runMs = 45_000;

/** Hands over all that waits. @returns whether every lane has taken its events. @throws when D1 cannot be reached. */
export async function handOverAll(env: Env): Promise<boolean> {
  const until = Date.now() + runMs;
  let allTaken = true;
  await forEachConcurrent(
    lanesAtOnce,
    await webhooksWithHandovers(env.DB, webhooksMax),
    async (webhookId) => {
      allTaken = (await handOverTo(env, webhookId, until)) && allTaken;
    },
  );
  return allTaken;
}

/**
 * Hands the events that wait for a webhook over to its lane, in order. Concurrent calls are safe: a lane ignores events that
 * it has, and each call keeps the order. A disabled webhook's lane takes them, too: they were accepted before.
 * @param until in ms: no page is begun after it.
 * @returns false when the lane failed or time was up: its events go on waiting.
 */
export async function handOverTo(env: Env, webhookId: number, until = Date.now() + runMs): Promise<boolean> {
  while (Date.now() < until) {
    const page = await nextHandovers(env.DB, webhookId, { events: eventsAtOnce });
    if (page === null) {
      // Of nothing, only the mark is left.
      await removeHandovers(env.DB, webhookId, 0);
      return true;
    }
    if (page.orphans.length > 0) logOrphans(webhookId, page.orphans);
    if (page.events.length > 0 && !(await handOverPage(env, webhookId, page))) return false;
    await removeHandovers(env.DB, webhookId, page.lastId);
  }
  return false;
}

/** @returns whether the page is done with, one way or the other. */
async function handOverPage(env: Env, webhookId: number, { events, lastId }: PendingPage): Promise<boolean> {
  const webhook = await readLaneConfigRow(env.DB, webhookId);
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
  if ((await readLaneConfigRow(env.DB, webhookId)) === null) return true;
  const reason = "The webhook's lane says that the webhook was deleted, and the database has it.";
  const rows = await setAsideHandovers(env.DB, webhookId, { lastId, reason });
  log("error", "hand-overs set aside", { webhook: uuid, events: rows, reason });
  return true;
}

function logOrphans(webhookId: number, ids: readonly number[]): void {
  log("error", "hand-overs set aside", {
    webhook_id: webhookId,
    events: ids.length,
    reason: "Their events are not stored any more.",
  });
}
