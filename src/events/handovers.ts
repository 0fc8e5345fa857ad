/** The table `handovers`: accepted events that lanes have yet to take, in order. */
import type { HandoverEvent } from "../lane/handover";
import { eventColumns, inEverySlot, requestOfEvent } from "./archive-slots";

/**
 * Appends archived events for one webhook, in the order given.
 * @returns how many were appended: fewer when the webhook is gone, or events are not in the archive.
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
 * Appends archived events for all webhooks that match them, in the order given.
 * @returns how many were appended: fewer when events are not in the archive.
 */
export async function appendBulkHandovers(db: D1Database, uuids: string[]): Promise<number> {
  const { meta } = await db
    .prepare(`INSERT INTO handovers (event_id) SELECT e.id FROM (${archivedIds("?1")}) e ORDER BY e.key`)
    .bind(JSON.stringify(uuids))
    .run();
  return meta.changes;
}

/** An event of the archive that waits in `handovers`. */
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

/** The ids of archived events, and the place of each in a JSON list of uuids. */
function archivedIds(uuids: string): string {
  return inEverySlot(
    (slot) =>
      `SELECT u.request + u.place AS id, j.key FROM json_each(${uuids}) j CROSS JOIN archive_uuids_${slot} u ON u.uuid = j.value`,
  );
}

/** The first rows that fulfil a condition, with their events (`PendingHandover`). */
function pendingHandovers(condition: string): string {
  const first = `SELECT * FROM handovers WHERE ${condition} ORDER BY id LIMIT ?1`;
  const found = inEverySlot(
    (slot) => `SELECT h.id AS handover_id, h.cursor, ${eventColumns("(a.events->(h.event_id - a.id))")}
      FROM (${first}) h CROSS JOIN ${requestOfEvent(slot, "h.event_id")}`,
  );
  return `SELECT * FROM (${found}) ORDER BY handover_id`;
}

/** The webhooks that have events waiting, by id. */
export async function webhooksWithHandovers(db: D1Database): Promise<number[]> {
  const { results } = await db
    .prepare("SELECT DISTINCT webhook_id FROM handovers WHERE webhook_id IS NOT NULL")
    .all<{ webhook_id: number }>();
  return results.map((row) => row.webhook_id);
}

/** The first events that wait for a webhook, in order. */
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

/** The first event that waits to be handed over in pages, or null. */
export function nextBulkHandover(db: D1Database): Promise<PendingHandover | null> {
  return db.prepare(pendingHandovers("webhook_id IS NULL")).bind(1).first<PendingHandover>();
}

/** Notes how far an event has come, by the webhook's id. Never goes back. */
export async function moveCursor(db: D1Database, handoverId: number, cursor: number): Promise<void> {
  await db
    .prepare("UPDATE handovers SET cursor = ?2 WHERE id = ?1 AND cursor < ?2")
    .bind(handoverId, cursor)
    .run();
}

/** Removes what was handed over: of one webhook everything up to a row, or (null) one row of a wide event. */
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

/** As the lane takes it. It may have it already: the hand-over before this one may have arrived. */
export function handoverEventOf(row: PendingHandover): HandoverEvent {
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
