/**
 * Where the archive lies: in four slots that are filled in turn (`archive_0` … `archive_3`, and where each uuid is in
 * `archive_uuids_0` …). Dropping a slot's tables writes no rows, where deleting its events would write one for each.
 * The view `events` has a row per event: to be used only with bounds on its `request`, the key of what it reads.
 */

/** D1 takes five SELECTs in one UNION ALL at most. */
export const archiveSlots = [0, 1, 2, 3] as const;

/** The most events in one row, which holds what one request brought: an event's row begins less than this before it. */
export const requestEventsMax = 100;

/** One SELECT over all slots. @param select for each of them: without ORDER BY, unless it stands in brackets. */
export function inEverySlot(select: (slot: number) => string): string {
  return archiveSlots.map(select).join("\nUNION ALL ");
}

/** The row `a` of slot `slot` that holds the event with an id, if the slot has it. @param id SQL. */
export function requestOfEvent(slot: number, id: string): string {
  return `archive_${slot} a ON a.id = (SELECT max(id) FROM archive_${slot} WHERE id <= ${id}) AND a.last >= ${id}`;
}

/** The newest row of each slot, or the oldest. */
export function endsOfSlots(order: "ASC" | "DESC"): string {
  return inEverySlot((slot) => `SELECT * FROM (SELECT * FROM archive_${slot} ORDER BY id ${order} LIMIT 1)`);
}

/** What an event in a row `a` is made of. @param event SQL for the event as JSON: its place is known. */
export function eventColumns(event: string): string {
  return `${event}->>0 AS uuid, ${event}->>1 AS type, ${event}->>2 AS project_uuid, ${event}->>3 AS job_uuid,
    ${event}->>4 AS timestamp, a.accepted_at, ${event}->>5 AS body`;
}

/** Empties a slot: its tables are dropped, and made anew as the migrations did. */
export function emptySlot(db: D1Database, slot: number): D1PreparedStatement[] {
  return [
    `DROP TABLE archive_${slot}`,
    `DROP TABLE archive_uuids_${slot}`,
    `CREATE TABLE archive_${slot} (
       id INTEGER PRIMARY KEY NOT NULL, last INTEGER NOT NULL, accepted_at INTEGER NOT NULL, events TEXT NOT NULL
     )`,
    `CREATE TABLE archive_uuids_${slot} (
       uuid TEXT PRIMARY KEY NOT NULL, request INTEGER NOT NULL, place INTEGER NOT NULL
     ) WITHOUT ROWID`,
  ].map((statement) => db.prepare(statement));
}
