/** The archive's statements, for one D1 `batch()`: what is known of incoming events, and keeping the new ones. */
import type { Event } from "../events/parse-events";
import { inEverySlot } from "./archive-slots";

/** What the archive knew of an incoming event before this batch: when it was accepted (in ms), and its text. */
export type KnownEvent = { uuid: string; accepted_at: number; body: string };

/** D1 takes texts of up to 2 MB, and quoting may double an event's. */
const parameterCharactersMax = 500_000;

/**
 * @param events with different uuids.
 * @returns `known`: the uuids that the archive has (`KnownEvent`); `keep`: the rest is stored, in one row for each of
 *   them, or nothing when any event has another text than the archive's under its uuid. To be run in this order,
 *   atomically.
 */
export function archiveStatements(
  db: D1Database,
  events: readonly Event[],
  acceptedAt: number,
): { known: D1PreparedStatement; keep: D1PreparedStatement[] } {
  const chunks = chunked(events);
  // The first parameter is all uuids; then come the texts of each chunk, which are read where a uuid is known.
  const uuids = JSON.stringify(chunks.map((chunk) => chunk.map(({ uuid }) => uuid)));
  const texts = chunks.map((chunk) => JSON.stringify(chunk.map(incomingRow)));
  const archived = "(a.events->u.place)->>5";
  const incoming = `(CASE c.key ${chunks.map((_, chunk) => `WHEN ${chunk} THEN ${textsOf(chunk)}`).join(" ")} END->i.key)->>5`;
  const known = `WITH known AS MATERIALIZED (${knownWith(`${archived} IS NOT ${incoming} AS differs`)})`;
  return {
    known: db.prepare(knownWith(`${archived} AS body`)).bind(uuids),
    keep: chunks.map((_, index) =>
      db
        .prepare(
          `${known} INSERT INTO archive_requests (accepted_at, events)
           SELECT ?${texts.length + 2}, events FROM (
             SELECT CASE WHEN EXISTS (SELECT 1 FROM known) THEN (
               SELECT json_group_array(json(value) ORDER BY key) FROM json_each(${textsOf(index)})
               WHERE value->>0 NOT IN (SELECT uuid FROM known)
             ) ELSE ${textsOf(index)} END AS events
           )
           WHERE NOT EXISTS (SELECT 1 FROM known WHERE differs) AND events <> '[]'`,
        )
        .bind(uuids, ...texts, acceptedAt),
    ),
  };
}

/** The incoming uuids that the archive has. @param column SQL: what is wanted of each beside uuid and time. */
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

function incomingRow(event: Event): (string | null)[] {
  return [event.uuid, event.type, event.projectUuid, event.jobUuid, event.timestamp, event.body];
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
