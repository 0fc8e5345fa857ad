/** Archiving incoming events: inserting the new ones, and reading those that are archived already. */
import type { Event } from "./parse-events";
import { inEverySlot } from "./archive-slots";

/** An incoming event whose uuid the archive has: when it was accepted (ms), and the archived source text. */
export type SeenEvent = { uuid: string; accepted_at: number; body: string };

/** The most characters of events in one parameter: D1 allows 2 MB, and quoting as JSON may double an event's length. */
const parameterCharactersMax = 500_000;

/**
 * Prepares archiving incoming events.
 * @param events with different uuids. @param accepted when they were accepted, in ms, and the id of the `Publisher`.
 * @returns `statements`, to be run in one batch: each inserts those of its chunk of events that the archive does not have,
 *   as one row. They insert nothing when any event conflicts, that is, when the archive has another text under its uuid.
 *   `stored` takes the results of the statements and gives the uuids of the events that were inserted.
 */
export function archiveNew(
  db: D1Database,
  events: readonly Event[],
  { acceptedAt, publisher }: { acceptedAt: number; publisher: string },
): { statements: D1PreparedStatement[]; stored(results: readonly D1Result[]): Set<string> } {
  const chunks = chunked(events);
  // The first parameter has all uuids, the next ones have the texts of a chunk each. Texts are compared only if known.
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
        // D1's type of `batch()` has one row type for all statements.
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

/** @returns those of these uuids that the archive has. */
export async function readSeenEvents(db: D1Database, uuids: readonly string[]): Promise<SeenEvent[]> {
  const { results } = await db
    .prepare(knownWith(`${archivedText} AS body`))
    .bind(JSON.stringify([uuids]))
    .all<SeenEvent>();
  return results;
}

/** The result of an insert. `part`: the inserted events as in `archive_requests`; null when the whole chunk was inserted. */
type StoredRow = { part: string | null };

const archivedText = "(a.events->u.place)->>5";

/** @param column SQL for a third column. @returns SQL for those uuids in `?1` (JSON: arrays of uuids) that are archived. */
function knownWith(column: string): string {
  return inEverySlot(
    (slot) => `SELECT i.value AS uuid, a.accepted_at, ${column}
      FROM json_each(?1) c CROSS JOIN json_each(c.value) i
      CROSS JOIN archive_uuids_${slot} u ON u.uuid = i.value
      CROSS JOIN archive_${slot} a ON a.id = u.request`,
  );
}

/** @returns the parameter with a chunk's texts. */
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
