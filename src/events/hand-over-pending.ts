/** Handing over the pending events in the table `handovers`, when a queue message asks for it and by cron. */
import {
  handoverEventOf,
  moveCursor,
  nextHandovers,
  nextBulkHandover,
  removeHandovers,
  webhooksWithHandovers,
} from "./handovers";
import { laneConfigOf, readLaneConfigRow } from "../lane/lane-configs";
import { matchesMax, matchPage } from "./matching";
import { forEachConcurrent } from "../platform/concurrency";
import { callLane, handOverToLane } from "./hand-over-to-lane";
import { lanesAtOnce } from "./dispatch";

/** Events per call of a lane: together they stay below the size limit of an RPC message (32 MiB). */
const eventsAtOnce = 100;

/** Hands over all pending events. @returns whether every lane has accepted its events. @throws when D1 cannot be reached. */
export async function handOverAll(env: Env): Promise<boolean> {
  await handOverBulk(env);
  let allAccepted = true;
  await forEachConcurrent(lanesAtOnce, await webhooksWithHandovers(env.DB), async (webhookId) => {
    allAccepted = (await handOverTo(env, webhookId)) && allAccepted;
  });
  return allAccepted;
}

/**
 * Hands the pending events of a webhook over to its lane, in order. Concurrent calls are safe: a lane ignores events that
 * it has, and each call keeps the order.
 * @returns false when the lane failed: its events stay pending.
 */
export async function handOverTo(env: Env, webhookId: number): Promise<boolean> {
  for (;;) {
    const pending = await nextHandovers(env.DB, webhookId, eventsAtOnce);
    const last = pending.at(-1);
    if (last === undefined) return true;
    const webhook = await readLaneConfigRow(env.DB, webhookId);
    if (webhook !== null) {
      const result = await callLane(env, {
        config: laneConfigOf(webhook),
        events: pending.map(handoverEventOf),
      });
      if (result === null) return false;
    }
    await removeHandovers(env.DB, webhookId, last.handover_id);
  }
}

/**
 * Runs the pending bulk hand-overs, one event after the other, in pages of webhooks. The cursor is written after each
 * page, so that a crash repeats one page; lanes ignore events that they have.
 * @throws when D1 cannot be reached.
 */
export async function handOverBulk(env: Env): Promise<void> {
  for (;;) {
    const bulk = await nextBulkHandover(env.DB);
    if (bulk === null) return;
    const topic = { type: bulk.type, projectUuid: bulk.project_uuid, jobUuid: bulk.job_uuid };
    const page = { cursor: bulk.cursor, acceptedAt: bulk.accepted_at };
    const webhooks = await matchPage(env.DB, topic, page);
    await forEachConcurrent(lanesAtOnce, webhooks, async (webhook) => {
      await handOverToLane(env, webhook, [handoverEventOf(bulk)]);
    });
    const last = webhooks.at(-1);
    if (last !== undefined && webhooks.length === matchesMax) {
      await moveCursor(env.DB, bulk.handover_id, last.id);
    } else {
      await removeHandovers(env.DB, null, bulk.handover_id);
    }
  }
}
