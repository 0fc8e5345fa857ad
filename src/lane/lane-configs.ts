/** Reads lane configurations from D1. */
import type { LaneConfig } from "./handover";
import type { webhooks } from "../db/schema";

/** SQL: the columns of `webhooks` for a `LaneConfig`, with the names of the drizzle schema. */
export const laneConfigColumns = `w.uuid, w.name, w.verify_ssl AS verifySsl, w.content_type AS contentType, w.version, w.sealed AS encryptedSettings,
  w.ordering, w.retry_max_attempts AS retryMaxAttempts, w.retry_max_age_s AS retryMaxAgeS, w.timeout_s AS timeoutS,
  w.rate_limit_per_s AS rateLimitPerS, w.format, w.digest_s AS digestS, w.egress`;

/**
 * A row of `laneConfigColumns`, or one that drizzle read. `verifySsl`: a number from SQLite, or a boolean from drizzle.
 */
export type LaneConfigRow = Pick<
  typeof webhooks.$inferSelect,
  | "uuid"
  | "name"
  | "contentType"
  | "version"
  | "encryptedSettings"
  | "ordering"
  | "retryMaxAttempts"
  | "retryMaxAgeS"
  | "timeoutS"
  | "rateLimitPerS"
  | "format"
  | "digestS"
  | "egress"
> & { verifySsl: number | boolean };

/** @returns the configuration in a row. */
export function laneConfigOf(row: LaneConfigRow): LaneConfig {
  const { uuid, name, contentType, version, encryptedSettings, ordering, timeoutS, rateLimitPerS } = row;
  const { format, digestS, egress } = row;
  return {
    webhook: { uuid, name, verifySsl: Boolean(row.verifySsl), contentType },
    version,
    sealed: encryptedSettings,
    ordering,
    retry: { maxAttempts: row.retryMaxAttempts, maxAgeS: row.retryMaxAgeS },
    timeoutS,
    rateLimitPerS,
    format,
    digestS,
    egress,
  };
}

/** @returns the row of a webhook; null when it does not exist, or no longer. */
export function readLaneConfigRow(db: D1Database, webhookId: number): Promise<LaneConfigRow | null> {
  return db
    .prepare(`SELECT ${laneConfigColumns} FROM webhooks w WHERE w.id = ? AND w.deleted_at IS NULL`)
    .bind(webhookId)
    .first<LaneConfigRow>();
}

/** @returns the current configuration of a webhook; null when it does not exist, or no longer. */
export async function readLaneConfig(db: D1Database, webhookUuid: string): Promise<LaneConfig | null> {
  const row = await db
    .prepare(`SELECT ${laneConfigColumns} FROM webhooks w WHERE w.uuid = ? AND w.deleted_at IS NULL`)
    .bind(webhookUuid)
    .first<LaneConfigRow>();
  return row === null ? null : laneConfigOf(row);
}
