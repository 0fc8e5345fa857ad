/**
 * The tables `handovers` and `waiting_events` in D1: accepted events that lanes have not accepted yet, in order. Events
 * go this way only if their lanes do not respond.
 */
import type { HandoverEvent } from "../lane/handover";
import { possibleRepeat, type StoredRow } from "./possible-repeat";
import { clearWaits } from "./shard/waits";

/** An event that waits for the lanes of some webhooks, with their ids in D1. */
export type WaitingEvent = { event: HandoverEvent; webhookIds: number[] };

/** The most characters of events in one parameter: D1 allows 2 MB, and quoting as JSON may double an event's length. */
const parameterCharactersMax = 500_000;

/**
 * Makes statements that append events after those that wait for the same lanes. They append only for webhooks with the
 * mark `waits`, so that no event is left behind after the last hand-over was removed. Events that wait already are not
 * appended again.
 * @param waiting in order. @returns statements for one batch. The rows of the last one are the webhooks with the mark
 *   (`AppendedFor`).
 */
export function appendStatements(db: D1Database, waiting: readonly WaitingEvent[]): D1PreparedStatement[] {
  const uuids = JSON.stringify(waiting.map(({ event }) => event.uuid));
  const webhookIds = [...new Set(waiting.flatMap((one) => one.webhookIds))];
  return [
    ...chunksOf(waiting).map((chunk) => db.prepare(insertEvents).bind(JSON.stringify(chunk.map(rowOf)))),
    ...waiting.map(({ event, webhookIds: ids }) =>
      db.prepare(insertHandovers).bind(event.uuid, JSON.stringify(ids)),
    ),
    db.prepare(removeUnused).bind(uuids),
    db
      .prepare(
        "SELECT id FROM webhooks WHERE waits = 1 AND deleted_at IS NULL AND id IN (SELECT value FROM json_each(?))",
      )
      .bind(JSON.stringify(webhookIds)),
  ];
}

/** A row of the last statement of `appendStatements`: the id of a webhook whose lane the events now wait for. */
export type AppendedFor = { id: number };

/** SQL: stores events, unless they are stored already. */
const insertEvents = `INSERT INTO waiting_events (uuid, type, project_uuid, job_uuid, first_accepted_at, body)
  SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(?) WHERE true
  ON CONFLICT (uuid) DO NOTHING`;

/** SQL: adds the hand-overs of an event, for webhooks with the mark `waits`. */
const insertHandovers = `INSERT INTO handovers (webhook_id, event_id)
  SELECT w.id, e.id FROM waiting_events e CROSS JOIN json_each(?2) j
  JOIN webhooks w ON w.id = j.value AND w.waits = 1 AND w.deleted_at IS NULL
  WHERE e.uuid = ?1 ORDER BY j.key
  ON CONFLICT (webhook_id, event_id) DO NOTHING`;

/** SQL: of the events in a JSON array of uuids, removes those for which no hand-over was added. */
const removeUnused = `DELETE FROM waiting_events WHERE uuid IN (SELECT value FROM json_each(?))
  AND NOT EXISTS (SELECT 1 FROM handovers h WHERE h.event_id = waiting_events.id)`;

/** A row of `handovers` with its event; `uuid` is null when the event is missing. */
type PendingRow = { handover_id: number } & (StoredRow | { uuid: null });

/**
 * The first events that wait for a lane. `lastId`: the id of the last row. `orphans`: the ids of rows without an event.
 */
export type PendingPage = { events: HandoverEvent[]; lastId: number; orphans: number[] };

/**
 * @param options.events the most events. @param options.bytes the size of texts at which the page ends: only its last
 *   event goes beyond it.
 * @returns the next page, in order; null when no event waits for the lane.
 */
export async function nextHandovers(
  db: D1Database,
  webhookId: number,
  { events, bytes }: { events: number; bytes: number },
): Promise<PendingPage | null> {
  const { results } = await db
    .prepare(
      `SELECT * FROM (
         SELECT h.id AS handover_id, e.uuid, e.type, e.project_uuid, e.job_uuid, e.first_accepted_at AS accepted_at, e.body,
           sum(octet_length(e.body)) OVER (ORDER BY h.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
         FROM (
           SELECT id, event_id FROM handovers WHERE webhook_id = ?1 AND set_aside IS NULL ORDER BY id LIMIT ?2
         ) h LEFT JOIN waiting_events e ON e.id = h.event_id
       ) WHERE coalesce(bytes_before, 0) < ?3 ORDER BY handover_id`,
    )
    .bind(webhookId, events, bytes)
    .all<PendingRow>();
  const last = results.at(-1);
  if (last === undefined) return null;
  return {
    events: results.flatMap((row) => (row.uuid === null ? [] : possibleRepeat(row))),
    lastId: last.handover_id,
    orphans: results.filter(({ uuid }) => uuid === null).map(({ handover_id }) => handover_id),
  };
}

/**
 * Removes a webhook's rows up to an id. A trigger removes the events that every lane has now. Clears the mark `waits`
 * when no rows are left.
 */
export async function removeHandovers(db: D1Database, webhookId: number, lastId: number): Promise<void> {
  await db.batch([
    db
      .prepare(
        `UPDATE handovers SET set_aside = 'Its event is no longer stored.'
         WHERE webhook_id = ?1 AND id <= ?2 AND set_aside IS NULL AND event_id NOT IN (SELECT id FROM waiting_events)`,
      )
      .bind(webhookId, lastId),
    db
      .prepare("DELETE FROM handovers WHERE webhook_id = ?1 AND id <= ?2 AND set_aside IS NULL")
      .bind(webhookId, lastId),
    clearWaits(db, webhookId),
  ]);
}

/**
 * Sets a webhook's rows aside that can never be handed over. @param options.lastId the last of them. @param
 * options.reason a sentence. @returns how many were set aside.
 */
export async function setAsideHandovers(
  db: D1Database,
  webhookId: number,
  { lastId, reason }: { lastId: number; reason: string },
): Promise<number> {
  const [changed] = await db.batch([
    db
      .prepare("UPDATE handovers SET set_aside = ?3 WHERE webhook_id = ?1 AND id <= ?2 AND set_aside IS NULL")
      .bind(webhookId, lastId, reason),
    clearWaits(db, webhookId),
  ]);
  return changed?.meta.changes ?? 0;
}

/**
 * @returns the ids of `limit` webhooks with waiting events, chosen at random, so that those whose lanes do not respond
 *   keep no others from their turn.
 */
export async function webhooksWithHandovers(db: D1Database, limit: number): Promise<number[]> {
  const { results } = await db
    .prepare("SELECT id FROM webhooks WHERE waits = 1 ORDER BY random() LIMIT ?")
    .bind(limit)
    .all<{ id: number }>();
  return results.map(({ id }) => id);
}

/** @returns which of these events (uuids) wait for a webhook's lane. Those that were set aside do not. */
export async function waitingOf(
  db: D1Database,
  webhookId: number,
  uuids: readonly string[],
): Promise<Set<string>> {
  if (uuids.length === 0) return new Set();
  const { results } = await db
    .prepare(
      `SELECT e.uuid FROM json_each(?2) j CROSS JOIN waiting_events e ON e.uuid = j.value
       CROSS JOIN handovers h ON h.webhook_id = ?1 AND h.event_id = e.id AND h.set_aside IS NULL`,
    )
    .bind(webhookId, JSON.stringify(uuids))
    .all<{ uuid: string }>();
  return new Set(results.map(({ uuid }) => uuid));
}

/** @returns how many rows were set aside, counted up to `limit`. */
export async function countSetAside(db: D1Database, limit: number): Promise<number> {
  const count = await db
    .prepare("SELECT count(*) AS n FROM (SELECT 1 FROM handovers WHERE set_aside IS NOT NULL LIMIT ?)")
    .bind(limit)
    .first<number>("n");
  return count ?? 0;
}

function rowOf({ event }: WaitingEvent): (string | number | null)[] {
  const { uuid, type, projectUuid, jobUuid, firstAcceptedAt, body } = event;
  return [uuid, type, projectUuid, jobUuid, firstAcceptedAt, body];
}

function chunksOf(waiting: readonly WaitingEvent[]): WaitingEvent[][] {
  const chunks: WaitingEvent[][] = [];
  let left = 0;
  for (const one of waiting) {
    if (one.event.body.length > left || chunks.length === 0) {
      chunks.push([]);
      left = parameterCharactersMax;
    }
    chunks.at(-1)?.push(one);
    left -= one.event.body.length;
  }
  return chunks;
}
