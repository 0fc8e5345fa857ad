/** Queries on the table `handovers`: accepted events that are not handed over to lanes yet, in order. */
import type { HandoverEvent } from "../lane/handover";
import { eventColumns, inEverySlot, requestOfEvent } from "./archive-slots";

/**
 * Appends archived events for one webhook, in the order of `uuids`.
 * @returns how many were appended: fewer when the webhook was deleted or events are not in the archive.
 */
export async function appendHandovers(db: D1Database, webhookId: number, uuids: string[]): Promise<number> {
  const { meta } = await db
    .prepare(
      `INSERT INTO handovers (webhook_id, event_id)
       SELECT w.id, e.id FROM webhooks w CROSS JOIN (${archivedIds("?2")}) e
       WHERE w.id = ?1 AND w.deleted_at IS NULL ORDER BY e.key`,
    )
    .bind(webhookId, JSON.stringify(uuids))
    .run();
  return meta.changes;
}

/**
 * Appends archived events as bulk hand-overs, in the order of `uuids`.
 * @returns how many were appended: fewer when events are not in the archive.
 */
export async function appendBulkHandovers(db: D1Database, uuids: string[]): Promise<number> {
  const { meta } = await db
    .prepare(`INSERT INTO handovers (event_id) SELECT e.id FROM (${archivedIds("?1")}) e ORDER BY e.key`)
    .bind(JSON.stringify(uuids))
    .run();
  return meta.changes;
}

/** A row of `handovers` with its event from the archive; `accepted_at` in ms. */
export type PendingHandover = {
  handover_id: number;
  cursor: number;
  uuid: string;
  type: string;
  project_uuid: string | null;
  job_uuid: string | null;
  body: string;
  accepted_at: number;
};

/** @param uuids SQL for a JSON array. @returns SQL for the ids of these events, each with its index (`key`) in the array. */
function archivedIds(uuids: string): string {
  return inEverySlot(
    (slot) =>
      `SELECT u.request + u.place AS id, j.key FROM json_each(${uuids}) j CROSS JOIN archive_uuids_${slot} u ON u.uuid = j.value`,
  );
}

/** @returns SQL for the first `?1` rows that fulfil a condition, with their events (`PendingHandover`). */
function pendingHandovers(condition: string): string {
  const first = `SELECT * FROM handovers WHERE ${condition} ORDER BY id LIMIT ?1`;
  const found = inEverySlot(
    (slot) => `SELECT h.id AS handover_id, h.cursor, ${eventColumns("(a.events->(h.event_id - a.id))")}
      FROM (${first}) h CROSS JOIN ${requestOfEvent(slot, "h.event_id")}`,
  );
  return `SELECT * FROM (${found}) ORDER BY handover_id`;
}

/** @returns the ids of the webhooks with pending events. */
export async function webhooksWithHandovers(db: D1Database): Promise<number[]> {
  const { results } = await db
    .prepare("SELECT DISTINCT webhook_id FROM handovers WHERE webhook_id IS NOT NULL")
    .all<{ webhook_id: number }>();
  return results.map((row) => row.webhook_id);
}

/** @returns the first pending events of a webhook, in order. */
export async function nextHandovers(
  db: D1Database,
  webhookId: number,
  limit: number,
): Promise<PendingHandover[]> {
  const { results } = await db
    .prepare(pendingHandovers("webhook_id = ?2"))
    .bind(limit, webhookId)
    .all<PendingHandover>();
  return results;
}

/** @returns the first pending bulk hand-over, or null. */
export function nextBulkHandover(db: D1Database): Promise<PendingHandover | null> {
  return db.prepare(pendingHandovers("webhook_id IS NULL")).bind(1).first<PendingHandover>();
}

/** Records the progress of a bulk hand-over: the id of the last webhook that has the event. The cursor only rises. */
export async function moveCursor(db: D1Database, handoverId: number, cursor: number): Promise<void> {
  await db
    .prepare("UPDATE handovers SET cursor = ?2 WHERE id = ?1 AND cursor < ?2")
    .bind(handoverId, cursor)
    .run();
}

/** Removes rows that were handed over: those of a webhook up to `lastId`, or (`webhookId` null) one bulk hand-over. */
export async function removeHandovers(
  db: D1Database,
  webhookId: number | null,
  lastId: number,
): Promise<void> {
  const statement =
    webhookId === null
      ? db.prepare("DELETE FROM handovers WHERE id = ? AND webhook_id IS NULL").bind(lastId)
      : db.prepare("DELETE FROM handovers WHERE webhook_id = ?2 AND id <= ?1").bind(lastId, webhookId);
  await statement.run();
}

/** @returns the event for a lane's `accept`. The lane must check for repeats: an earlier hand-over may have succeeded. */
export function handoverEventOf(row: Omit<PendingHandover, "handover_id" | "cursor">): HandoverEvent {
  return {
    uuid: row.uuid,
    type: row.type,
    projectUuid: row.project_uuid,
    jobUuid: row.job_uuid,
    body: row.body,
    firstAcceptedAt: row.accepted_at,
    maybeKnown: true,
  };
}
