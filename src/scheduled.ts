/** The cron tasks, run every minute. A failing task does not keep the others from running. */
import { readConfig } from "./platform/config";
import { pruneOldArchive } from "./events/old-archive/retention";
import { pruneAudit, pruneRefusals } from "./db/audit";
import { pruneSwitchChanges } from "./webhooks/job-failure-undo";
import { pruneFailures } from "./events/queue-failures";
import { pruneRejected, rejectedBytesMax } from "./events/rejected";
import { pruneChanges } from "./events/shard/change-outcomes";
import { maintainLanes } from "./lane/maintain-lanes";
import { wakeLanes } from "./lane/wake-lanes";
import { growShards } from "./events/grow-shards";
import { handOverAll } from "./events/hand-over-pending";
import { dropExpiredSecrets } from "./webhooks/change-webhook";
import { finishDeletions } from "./webhooks/delete-webhook";
import { log } from "./platform/log";

const dayMs = 86_400_000;
/** How long the reasons for failed queue messages are kept. Messages are retried for four days at most. */
const failureDays = 7;
/** How long the audit log is kept: a year, and a month to review it. */
const auditDays = 400;
/** How long refusals are kept: shorter, because anyone on the internet can cause them. */
const refusalDays = 30;

/** How long a run continues to wake lanes: until shortly before the next run. */
const wakingMs = 55_000;

/**
 * Runs every task once, then wakes lanes whose writes failed. Never throws: a failure is logged, and the task runs
 * again a minute later. @param now in ms.
 */
export async function runScheduled(env: Env, now: number): Promise<void> {
  const startedAt = Date.now();
  const tasks: Record<string, () => Promise<unknown>> = {
    "hand-over": () => handOverAll(env),
    "event shards": () => growShards(env),
    deletions: () => finishDeletions(env),
    lanes: () => maintainLanes(env, now),
    secrets: () => dropExpiredSecrets({ env, config: readConfig(env) }, now),
    "old archive": () => prune(env, now),
    rejected: () => pruneRejectedMessages(env, now),
    "queue failures": () => pruneFailures(env.DB, now - failureDays * dayMs),
    "routing changes": () => pruneChanges(env.DB, now),
    audit: () => pruneAudit(env, now - auditDays * dayMs),
    "job failure switch": () => pruneSwitchChanges(env.DB, now),
    refusals: () => pruneRefusals(env, now - refusalDays * dayMs),
  };
  for (const [task, run] of Object.entries(tasks)) {
    try {
      await run();
    } catch (error) {
      log("error", "scheduled task failed", { task, error: String(error) });
    }
  }
  await wakeLanes(env, startedAt + wakingMs - Date.now());
}

async function pruneRejectedMessages(env: Env, now: number): Promise<void> {
  const before = now - readConfig(env).archiveDays * dayMs;
  const deleted = await pruneRejected(env.DB, { before, bytesMax: rejectedBytesMax });
  if (deleted > 0) log("warn", "rejected messages pruned", { messages: deleted });
}

async function prune(env: Env, now: number): Promise<void> {
  const { archiveDays } = readConfig(env);
  const { deleted } = await pruneOldArchive(env.DB, { now, keptMs: archiveDays * dayMs });
  if (deleted > 0) log("info", "old archive pruned", { events: deleted });
}
