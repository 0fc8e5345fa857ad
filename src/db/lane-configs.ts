/** A webhook's row as its lane needs it. */
import type { LaneConfig } from "../delivery/handover";

/** The columns of `webhooks` that make a `LaneConfig`, for `SELECT`. */
export const laneConfigColumns = `w.uuid, w.name, w.verify_ssl, w.content_type, w.version, w.sealed, w.ordering, w.retry_max_attempts, w.retry_max_age_s,
  w.timeout_s, w.rate_limit_per_s`;

/** A row of `laneConfigColumns`. */
export type LaneConfigRow = {
  uuid: string;
  name: string;
  verify_ssl: number;
  content_type: LaneConfig["webhook"]["contentType"];
  version: number;
  sealed: string;
  ordering: LaneConfig["ordering"];
  retry_max_attempts: number | null;
  retry_max_age_s: number | null;
  timeout_s: number | null;
  rate_limit_per_s: number | null;
};

/** From a row to what the lane keeps. */
export function laneConfigOf(row: LaneConfigRow): LaneConfig {
  return {
    webhook: {
      uuid: row.uuid,
      name: row.name,
      verifySsl: row.verify_ssl === 1,
      contentType: row.content_type,
    },
    version: row.version,
    sealed: row.sealed,
    ordering: row.ordering,
    retry: { maxAttempts: row.retry_max_attempts, maxAgeS: row.retry_max_age_s },
    timeoutS: row.timeout_s,
    rateLimitPerS: row.rate_limit_per_s,
  };
}

/** A webhook by its id, or null when it does not exist (any more). */
export function readLaneConfigRow(db: D1Database, webhookId: number): Promise<LaneConfigRow | null> {
  return db
    .prepare(`SELECT ${laneConfigColumns} FROM webhooks w WHERE w.id = ? AND w.deleted_at IS NULL`)
    .bind(webhookId)
    .first<LaneConfigRow>();
}

/** The current configuration of a webhook, or null when it does not exist (any more). */
export async function readLaneConfig(db: D1Database, webhookUuid: string): Promise<LaneConfig | null> {
  const row = await db
    .prepare(`SELECT ${laneConfigColumns} FROM webhooks w WHERE w.uuid = ? AND w.deleted_at IS NULL`)
    .bind(webhookUuid)
    .first<LaneConfigRow>();
  return row === null ? null : laneConfigOf(row);
}
