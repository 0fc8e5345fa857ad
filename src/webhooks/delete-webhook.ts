/**
 * Deleting webhooks in three steps: mark the row, close the lane, remove the row. A deletion that is interrupted after the
 * first one is finished by cron.
 */
import { listUnfinishedDeletions, markDeleted, removeDeleted } from "./webhooks";
import { forEachConcurrent } from "../platform/concurrency";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import { audit } from "../db/audit";
import type { Operation } from "./operation";
import { laneOf } from "../lane/lane-of";

/** The age of a deletion from which cron finishes it: a newer one may still be under way. */
const underWayMs = 60_000;

/** The most deletions that one run of cron finishes, and how many at once: lanes may hang. */
const finishedPerRun = 100;
const finishedAtOnce = 10;

/**
 * Deletes a webhook and audits it. Does nothing when there is none. On return no query finds the webhook any more. If
 * closing the lane or removing the row failed, `finishDeletions` does it later.
 */
export async function deleteWebhook({ env, actor }: Omit<Operation, "config">, uuid: string): Promise<void> {
  const deleted = await markDeleted(env, uuid);
  if (deleted === null) return;
  await finish(env, uuid);
  const { name, origin } = deleted;
  const detail = name.trim() === "" ? origin : `${name} (${origin})`;
  await audit(env, actor, { action: "webhook.deleted", target: uuid, detail });
}

/** Finishes interrupted deletions, for cron. Those that fail again are logged and left to the next run. */
export async function finishDeletions(env: Env): Promise<void> {
  const uuids = await listUnfinishedDeletions(env, Date.now() - underWayMs, finishedPerRun);
  await forEachConcurrent(finishedAtOnce, uuids, (uuid) => finish(env, uuid));
}

async function finish(env: Env, uuid: string): Promise<void> {
  try {
    await withTimeout<void>(laneOf(env, uuid).close());
    await withTimeout(removeDeleted(env, uuid));
  } catch (error) {
    log("warn", "deletion not finished, left to cron", { webhook: uuid, error: String(error) });
  }
}
