/** The archive's statements, for one D1 `batch()`: what is known of incoming events, and keeping the new ones. */
import type { Event } from "../events/parse-events";
import { inEverySlot } from "./archive-slots";

/** What the archive knew of an incoming event before this batch. */
export type KnownEvent = { uuid: string; accepted_at: number; differs: number };

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
  // Each chunk is two parameters: its uuids, which are looked up, and its texts, which are read where one is known.
  const chunks = chunked(events);
  const parameters = chunks.flatMap((chunk) => [
    JSON.stringify(chunk.map(({ uuid }) => uuid)),
    JSON.stringify(chunk.map(incomingRow)),
  ]);
  const incoming = chunks.map(
    (_, chunk) => `SELECT key, value, ${chunk} AS chunk FROM json_each(${uuidsOf(chunk)})`,
  );
  const texts = `CASE i.chunk ${chunks.map((_, chunk) => `WHEN ${chunk} THEN ${textsOf(chunk)}`).join(" ")} END`;
  const known = `WITH known AS MATERIALIZED (${inEverySlot(
    (
      slot,
    ) => `SELECT i.value AS uuid, a.accepted_at, (a.events->u.place)->>5 IS NOT (${texts}->i.key)->>5 AS differs
      FROM (${incoming.join(" UNION ALL ")}) i
      CROSS JOIN archive_uuids_${slot} u ON u.uuid = i.value
      CROSS JOIN archive_${slot} a ON a.id = u.request`,
  )})`;
  return {
    known: db.prepare(`${known} SELECT uuid, accepted_at, differs FROM known`).bind(...parameters),
    keep: chunks.map((_, index) =>
      db
        .prepare(
          `${known} INSERT INTO archive_requests (accepted_at, events)
           SELECT ?${parameters.length + 1}, events FROM (
             SELECT CASE WHEN EXISTS (SELECT 1 FROM known) THEN (
               SELECT json_group_array(json(value) ORDER BY key) FROM json_each(${textsOf(index)})
               WHERE value->>0 NOT IN (SELECT uuid FROM known)
             ) ELSE ${textsOf(index)} END AS events
           )
           WHERE NOT EXISTS (SELECT 1 FROM known WHERE differs) AND events <> '[]'`,
        )
        .bind(...parameters, acceptedAt),
    ),
  };
}

/** A chunk's first parameter. */
function uuidsOf(chunk: number): string {
  return `?${2 * chunk + 1}`;
}

/** Its second one. */
function textsOf(chunk: number): string {
  return `?${2 * chunk + 2}`;
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
