/** Queries on the uuids of the old archive: which of some uuids it has, and all of them in pages. */
import { inEverySlot } from "./slots";

/** An event of the old archive: when it was accepted (ms), and its source text. */
export type OldEvent = { uuid: string; acceptedAt: number; body: string };

/** @returns the events with these uuids that the old archive has. */
export async function findOldEvents(db: D1Database, uuids: readonly string[]): Promise<OldEvent[]> {
  const { results } = await db
    .prepare(
      inEverySlot(
        (slot) => `SELECT i.value AS uuid, a.accepted_at AS acceptedAt, (a.events->u.place)->>5 AS body
          FROM json_each(?1) i CROSS JOIN archive_uuids_${slot} u ON u.uuid = i.value
          CROSS JOIN archive_${slot} a ON a.id = u.request`,
      ),
    )
    .bind(JSON.stringify(uuids))
    .all<OldEvent>();
  return results;
}

/** A page of uuids, in order of acceptance. `readTo`: the `after` of the next page; null at the end. */
export type OldUuidPage = { uuids: [uuid: string, acceptedAt: number][]; readTo: number | null };

/** How many rows of up to 100 events a page has. */
const rowsPerPage = 50;

/** @param after the `readTo` of the previous page; 0 at the beginning. */
export async function readOldUuids(db: D1Database, after: number): Promise<OldUuidPage> {
  const { results } = await db
    .prepare(
      `SELECT id, accepted_at, (SELECT json_group_array(e.value->>0) FROM json_each(events) e) AS uuids FROM (
         ${inEverySlot((slot) => `SELECT * FROM (SELECT * FROM archive_${slot} WHERE id > ?1 ORDER BY id LIMIT ${rowsPerPage})`)}
       ) ORDER BY id LIMIT ${rowsPerPage}`,
    )
    .bind(after)
    .all<{ id: number; accepted_at: number; uuids: string }>();
  return {
    uuids: results.flatMap(({ accepted_at, uuids }) =>
      (JSON.parse(uuids) as string[]).map((uuid): [string, number] => [uuid, accepted_at]),
    ),
    readTo: results.at(-1)?.id ?? null,
  };
}
