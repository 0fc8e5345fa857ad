/** The archive's statements, for one D1 `batch()`: what is known of incoming events, and keeping the new ones. */
import type { Event } from "../events/parse-events";

/** What the archive knew of an incoming event before this batch. */
export type KnownEvent = { uuid: string; accepted_at: number; differs: number };

/** D1 takes texts of up to 2 MB, and quoting may double an event's. */
const parameterCharactersMax = 500_000;

/**
 * @param events with different uuids.
 * @returns `known`: the uuids that the archive has (`KnownEvent`); `keep`: the rest is stored, or nothing
 *   when any event has another text than the archive's under its uuid. To be run in this order, atomically.
 */
export function archiveStatements(
  db: D1Database,
  events: readonly Event[],
  acceptedAt: number,
): { known: D1PreparedStatement; keep: D1PreparedStatement } {
  const parameters = chunked(events).map((chunk) => JSON.stringify(chunk.map(incomingRow)));
  const selects = parameters.map((_, index) => `SELECT value FROM json_each(?${index + 1})`);
  const incoming = `WITH incoming AS (${selects.join(" UNION ALL ")})`;
  const next = parameters.length + 1;
  return {
    known: db
      .prepare(
        `${incoming} SELECT e.uuid, e.accepted_at, e.body IS NOT i.value->>5 AS differs
         FROM incoming i CROSS JOIN events e ON e.uuid = i.value->>0`,
      )
      .bind(...parameters),
    keep: db
      .prepare(
        `${incoming} INSERT INTO events (uuid, type, project_uuid, job_uuid, timestamp, body, accepted_at)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, ?${next} FROM incoming
         WHERE NOT EXISTS (
           SELECT 1 FROM incoming i CROSS JOIN events e ON e.uuid = i.value->>0 WHERE e.body IS NOT i.value->>5
         )
         ON CONFLICT DO NOTHING`,
      )
      .bind(...parameters, acceptedAt),
  };
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
