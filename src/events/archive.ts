/** Incoming events and the archive: keeping the new ones, and what is known of the others. */
import type { Event } from "./parse-events";
import { inEverySlot } from "./archive-slots";

/** What the archive has under the uuid of an incoming event: when it was accepted (in ms), and its text. */
export type SeenEvent = { uuid: string; accepted_at: number; body: string };

/** D1 takes texts of up to 2 MB, and quoting may double an event's. */
const parameterCharactersMax = 500_000;

/**
 * Keeping incoming events.
 * @param events with different uuids. @param accepted when, in ms, and from whom (see `Publisher`).
 * @returns `statements`, to be run atomically: they store those that the archive does not have, in one row for each of
 *   them, or nothing when any event has another text than the archive's under its uuid. `stored`: from their results,
 *   the uuids of the events that they stored.
 */
export function archiveNew(
  db: D1Database,
  events: readonly Event[],
  { acceptedAt, publisher }: { acceptedAt: number; publisher: string },
): { statements: D1PreparedStatement[]; stored(results: readonly D1Result[]): Set<string> } {
  const chunks = chunked(events);
  // The first parameter is all uuids; then come the texts of each chunk, which are read where a uuid is known.
  const uuids = JSON.stringify(chunks.map(uuidsOf));
  const texts = chunks.map((chunk) => JSON.stringify(chunk.map((event) => incomingRow(event, publisher))));
  const incoming = `(CASE c.key ${chunks.map((_, chunk) => `WHEN ${chunk} THEN ${textsOf(chunk)}`).join(" ")} END->i.key)->>5`;
  const known = `WITH known AS MATERIALIZED (${knownWith(`${archivedText} IS NOT ${incoming} AS differs`)})`;
  return {
    statements: chunks.map((_, index) =>
      db
        .prepare(
          `${known} INSERT INTO archive_requests (accepted_at, events)
           SELECT ?${texts.length + 2}, events FROM (
             SELECT CASE WHEN EXISTS (SELECT 1 FROM known) THEN (
               SELECT json_group_array(json(value) ORDER BY key) FROM json_each(${textsOf(index)})
               WHERE value->>0 NOT IN (SELECT uuid FROM known)
             ) ELSE ${textsOf(index)} END AS events
           )
           WHERE NOT EXISTS (SELECT 1 FROM known WHERE differs) AND events <> '[]'
           RETURNING iif(events = ${textsOf(index)}, NULL, events) AS part`,
        )
        .bind(uuids, ...texts, acceptedAt),
    ),
    stored(results) {
      const inChunks = chunks.map((chunk, index) => {
        // D1's `batch()` is typed as one kind of row for all statements.
        const [row] = (results[index]?.results ?? []) as StoredRow[];
        if (row === undefined) return [];
        return row.part === null
          ? uuidsOf(chunk)
          : (JSON.parse(row.part) as [string][]).map(([uuid]) => uuid);
      });
      return new Set(inChunks.flat());
    },
  };
}

/** What the archive has under these uuids. */
export async function readSeenEvents(db: D1Database, uuids: readonly string[]): Promise<SeenEvent[]> {
  const { results } = await db
    .prepare(knownWith(`${archivedText} AS body`))
    .bind(JSON.stringify([uuids]))
    .all<SeenEvent>();
  return results;
}

/** `part`: what was stored of a chunk, as in `archive_requests`; null when that was all of it. */
type StoredRow = { part: string | null };

const archivedText = "(a.events->u.place)->>5";

/** The incoming uuids (`?1`: JSON, a list of lists) that the archive has. @param column SQL: what is wanted of each beside uuid and time. */
function knownWith(column: string): string {
  return inEverySlot(
    (slot) => `SELECT i.value AS uuid, a.accepted_at, ${column}
      FROM json_each(?1) c CROSS JOIN json_each(c.value) i
      CROSS JOIN archive_uuids_${slot} u ON u.uuid = i.value
      CROSS JOIN archive_${slot} a ON a.id = u.request`,
  );
}

/** A chunk's parameter. */
function textsOf(chunk: number): string {
  return `?${chunk + 2}`;
}

function uuidsOf(events: readonly Event[]): string[] {
  return events.map(({ uuid }) => uuid);
}

function incomingRow(event: Event, publisher: string): (string | null)[] {
  const { uuid, type, projectUuid, jobUuid, timestamp, body } = event;
  return [uuid, type, projectUuid, jobUuid, timestamp, body, publisher];
}

function chunked(events: readonly Event[]): Event[][] {
  const chunks: Event[][] = [];
  let left = 0;
  for (const event of events) {
    if (event.body.length > left || chunks.length === 0) {
      chunks.push([]);
      left = parameterCharactersMax;
    }
    chunks.at(-1)?.push(event);
    left -= event.body.length;
  }
  return chunks;
}
