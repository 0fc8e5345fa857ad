/**
 * The archive in D1 from before there were event shards (`shard/`). It is only read, and is removed after its retention
 * time. Its tables: four slots that are filled in rotation (`archive_0` … `archive_3`), each with an index of uuids
 * (`archive_uuids_0` …). A slot's tables are dropped as a whole, because deleting its events would write one row each.
 * The view `events` has a row per event. Queries on it need bounds on `request` (the id of a row of `archive_*`):
 * without them they read the whole archive.
 */

/** The slots. D1 allows at most five SELECTs in a UNION ALL. */
const archiveSlots = [0, 1, 2, 3] as const;

/** The most events in one row. An event's row therefore has an id of more than the event's id minus this. */
export const requestEventsMax = 100;

/** @param select gives the SELECT of a slot; an ORDER BY must be in a subquery. @returns their UNION ALL. */
export function inEverySlot(select: (slot: number) => string): string {
  return archiveSlots.map(select).join("\nUNION ALL ");
}

/** @returns SQL for the newest row (DESC) or the oldest row (ASC) of each slot. */
export function endsOfSlots(order: "ASC" | "DESC"): string {
  return inEverySlot((slot) => `SELECT * FROM (SELECT * FROM archive_${slot} ORDER BY id ${order} LIMIT 1)`);
}

/** @param event SQL for an event's JSON array in a row `a`. @returns SQL for the columns of the event. */
export function eventColumns(event: string): string {
  return `${event}->>0 AS uuid, ${event}->>1 AS type, ${event}->>2 AS project_uuid, ${event}->>3 AS job_uuid,
    ${event}->>4 AS timestamp, a.accepted_at, ${event}->>5 AS body`;
}

/** @returns statements that empty a slot: they drop its tables and create them again as the migrations did. */
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

/** SQL: 1 while the old archive has any event, else 0. */
export const oldArchiveExists = `(${archiveSlots.map((slot) => `EXISTS (SELECT 1 FROM archive_${slot})`).join(" OR ")})`;

/** Whether the old archive has any event. */
export async function hasOldArchive(db: D1Database): Promise<boolean> {
  return (await db.prepare(`SELECT ${oldArchiveExists} AS has`).first<number>("has")) === 1;
}
