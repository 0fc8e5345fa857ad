/** Handing over what waits in the table `handovers`: after a publish, by a queue message, and by cron. */
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

/** Events per call: together they stay below what an RPC message may hold (32 MiB). */
const eventsAtOnce = 100;

/** Hands over everything that waits. @returns whether nothing is left. */
export async function handOverAll(env: Env): Promise<boolean> {
  await handOverBulk(env);
  let allTaken = true;
  await forEachConcurrent(lanesAtOnce, await webhooksWithHandovers(env.DB), async (webhookId) => {
    allTaken = (await handOverTo(env, webhookId)) && allTaken;
  });
  return allTaken;
}

/**
 * Hands one webhook's waiting events to its lane, in order. Two of these at once do no harm: a lane takes no
 * event twice, and each of them keeps the order.
 * @returns whether the lane took everything.
 */
export async function handOverTo(env: Env, webhookId: number): Promise<boolean> {
  for (;;) {
    const waiting = await nextHandovers(env.DB, webhookId, eventsAtOnce);
    const last = waiting.at(-1);
    if (last === undefined) return true;
    const webhook = await readLaneConfigRow(env.DB, webhookId);
    if (webhook !== null) {
      const taken = await callLane(env, {
        config: laneConfigOf(webhook),
        events: waiting.map(handoverEventOf),
      });
      if (taken === null) return false;
    }
    await removeHandovers(env.DB, webhookId, last.handover_id);
  }
}

/**
 * Hands events with very many webhooks over, page by page, one event after the other. The cursor is written
 * after each page: a crash repeats a page, and lanes take nothing twice.
 */
export async function handOverBulk(env: Env): Promise<void> {
  for (;;) {
    const wide = await nextBulkHandover(env.DB);
    if (wide === null) return;
    const topic = { type: wide.type, projectUuid: wide.project_uuid, jobUuid: wide.job_uuid };
    const page = { cursor: wide.cursor, acceptedAt: wide.accepted_at };
    const webhooks = await matchPage(env.DB, topic, page);
    await forEachConcurrent(lanesAtOnce, webhooks, async (webhook) => {
      await handOverToLane(env, webhook, [handoverEventOf(wide)]);
    });
    const last = webhooks.at(-1);
    if (last !== undefined && webhooks.length === matchesMax) {
      await moveCursor(env.DB, wide.handover_id, last.id);
    } else {
      await removeHandovers(env.DB, null, wide.handover_id);
    }
  }
}
