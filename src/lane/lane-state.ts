/** Queries of a lane on its webhook's row in D1. */
import type { LaneConfig } from "./handover";
import type { LaneState } from "./lane-record";
import { laneConfigColumns, laneConfigOf, type LaneConfigRow } from "./lane-configs";

/** A webhook's row. `deleted`: whether it is being deleted: its lane must then be closed. */
export type StoredWebhook = { config: LaneConfig; state: LaneState; deleted: boolean };

/** The columns that a lane updates. */
export type LaneReport = {
  state: LaneState;
  disabledReason: string | null;
  deadLetters: number;
  isInUse: boolean;
};

/** @returns the webhook's row, or null when there is none. */
export async function readStoredWebhook(db: D1Database, uuid: string): Promise<StoredWebhook | null> {
  const row = await db
    .prepare(`SELECT ${laneConfigColumns}, w.state, w.deleted_at FROM webhooks w WHERE w.uuid = ?`)
    .bind(uuid)
    .first<LaneConfigRow & { state: LaneState; deleted_at: number | null }>();
  if (row === null) return null;
  return { config: laneConfigOf(row), state: row.state, deleted: row.deleted_at !== null };
}

/** Copies a lane's state to its row. */
export async function writeLaneReport(db: D1Database, uuid: string, report: LaneReport): Promise<void> {
  await db
    .prepare(
      "UPDATE webhooks SET state = ?, disabled_reason = ?, dead_letters = ?, in_use = ? WHERE uuid = ?",
    )
    .bind(report.state, report.disabledReason, report.deadLetters, report.isInUse ? 1 : 0, uuid)
    .run();
}

/** Notes in D1 that a lane has no deliveries. */
export async function writeLaneEmpty(db: D1Database, uuid: string): Promise<void> {
  await db.prepare("UPDATE webhooks SET in_use = 0 WHERE uuid = ?").bind(uuid).run();
}
