/**
 * The deletion of a webhook, in steps that can stop anywhere and be taken up again: mark the row, close the
 * lane, remove the row.
 */
import { listUnfinishedDeletions, markDeleted, removeDeleted } from "./webhooks";
import { log } from "../platform/log";
import { audit } from "../db/audit";
import type { Operation } from "./operation";

/** A deletion younger than this may still be under way. */
const underWayMs = 60_000;

/** How many are finished in one run: the rest follow in the next. */
const finishedPerRun = 100;

/**
 * Deletes a webhook; does nothing when there is none. On return it is gone for everyone. Its lane is closed and its row removed, or `finishDeletions` does that.
 */
export async function deleteWebhook({ env, actor }: Omit<Operation, "config">, uuid: string): Promise<void> {
  const deleted = await markDeleted(env, uuid);
  if (deleted === null) return;
  await finish(env, uuid);
  const { name, origin } = deleted;
  const detail = name.trim() === "" ? origin : `${name} (${origin})`;
  await audit(env, actor, { action: "webhook.deleted", target: uuid, detail });
}

/** Finishes deletions that stopped half-way, for cron. Does not throw for those that fail again: they wait for the next run. */
export async function finishDeletions(env: Env): Promise<void> {
  const uuids = await listUnfinishedDeletions(env, Date.now() - underWayMs, finishedPerRun);
  for (const uuid of uuids) await finish(env, uuid);
}

async function finish(env: Env, uuid: string): Promise<void> {
  try {
    await env.LANES.get(env.LANES.idFromName(uuid)).close();
    await removeDeleted(env, uuid);
  } catch (error) {
    log("warn", "deletion to be finished later", { webhook: uuid, error: String(error) });
  }
}
