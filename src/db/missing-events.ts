/** Events of the archive that a webhook's subscriptions hear. */
import { handedEventOf, type WaitingEvent } from "./handovers";
import type { HandedEvent } from "../delivery/handover";

/** Whether an event `e` is one that a subscription `s` hears: its type, a wildcard over it, and its limits. */
const isHeard = `(
    s.event_type = e.type OR s.event_type = '**'
    OR (s.event_type GLOB '*:[*][*]' AND e.type GLOB rtrim(s.event_type, '*') || '*')
    OR (s.event_type GLOB '*:[*]' AND e.type GLOB rtrim(s.event_type, '*') || '*'
      AND e.type NOT GLOB rtrim(s.event_type, '*') || '*:*')
  )
  AND (s.project_uuid = '' OR s.project_uuid = e.project_uuid)
  AND (s.job_uuid = '' OR s.job_uuid = e.job_uuid)`;

/** A page of the archive, and where the next one begins; null at the end. */
export type ArchivePage = { events: HandedEvent[]; next: number | null };

/**
 * The events of one page that the webhook hears today. What is still being handed over is left out.
 * @param page `after`: the cursor; `since`, `until`: times of acceptance in ms, `until` excluded.
 */
export async function readHeardEvents(
  db: D1Database,
  webhookUuid: string,
  page: { after: number; since: number; until: number; limit: number },
): Promise<ArchivePage> {
  const { results } = await db
    .prepare(
      `SELECT e.id AS handover_id, 0 AS cursor, e.uuid, e.type, e.project_uuid, e.job_uuid, e.body, e.accepted_at
       FROM webhooks w CROSS JOIN events e
       WHERE w.uuid = ?1 AND e.id > ?2 AND e.accepted_at >= ?3 AND e.accepted_at < ?4
         AND EXISTS (SELECT 1 FROM subscriptions s WHERE s.webhook_id = w.id AND ${isHeard})
         AND NOT EXISTS (
           SELECT 1 FROM handovers h WHERE h.event_id = e.id AND (h.webhook_id = w.id OR h.webhook_id IS NULL)
         )
       ORDER BY e.id LIMIT ?5`,
    )
    .bind(webhookUuid, page.after, page.since, page.until, page.limit)
    .all<WaitingEvent>();
  const last = results.at(-1);
  return {
    events: results.map(handedEventOf),
    next: results.length < page.limit || last === undefined ? null : last.handover_id,
  };
}
