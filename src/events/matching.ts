/**
 * Matching events to webhooks: one index lookup for each combination of pattern, project and job that a subscription to
 * the event can have. Subscriptions that do not match are not read.
 */
import { patternsFor } from "./patterns";
import { type LaneConfigRow, laneConfigColumns } from "../lane/lane-configs";

/** The properties of an event that matching uses. Events of the same topic match the same webhooks. */
export type Topic = { type: string; projectUuid: string | null; jobUuid: string | null };

/** A webhook that matches a topic. `waits`: 1 when it has rows in `handovers`, which must be handed over first. */
export type MatchedWebhook = LaneConfigRow & { id: number; waits: number };

/**
 * A webhook as `matchStatement` finds it. `matches`: a JSON array of `TopicMatch`. `any_bulk`: 1 when a bulk hand-over is
 * pending; later events must then wait behind it, to keep their order.
 */
export type FoundWebhook = MatchedWebhook & { matches: string; any_bulk: number };

/**
 * A topic that a webhook matches: its index in the list of topics, when the oldest matching subscription of the webhook
 * was created (ms), and how many webhooks match the topic.
 */
export type TopicMatch = [topic: number, since: number, total: number];

/** An event that matches more webhooks than this is handed over in bulk, by a queue consumer. */
export const matchesMax = 1000;

/** SQL: the subscriptions `s` of each candidate `c` in `?1` (see `candidatesOf`), found by the index `subscriptions_match`. */
export const candidateJoin = `json_each(?1) c CROSS JOIN subscriptions s ON s.event_type = c.value->>1
  AND s.project_uuid = c.value->>2 AND s.job_uuid = c.value->>3`;

/** SQL: whether the webhook `w` receives events. Disabled webhooks do not. */
const isReceiving = "w.deleted_at IS NULL AND w.state <> 'disabled'";

const webhookColumns = `w.id, ${laneConfigColumns},
  EXISTS (SELECT 1 FROM handovers h WHERE h.webhook_id = w.id) AS waits`;

/**
 * @returns a statement whose rows (`FoundWebhook`) are the webhooks that match any of the topics, in order of creation.
 *   For each topic, at most `matchesMax` + 1 webhooks are found.
 */
export function matchStatement(db: D1Database, topics: readonly Topic[]): D1PreparedStatement {
  return db
    .prepare(
      `SELECT ${webhookColumns}, m.matches, EXISTS (SELECT 1 FROM handovers WHERE webhook_id IS NULL) AS any_bulk
       FROM (
         SELECT webhook_id, json_group_array(json_array(topic, since, total)) AS matches FROM (
           SELECT c.value->>0 AS topic, s.webhook_id, min(s.created_at) AS since,
             count(*) OVER (PARTITION BY c.value->>0) AS total,
             row_number() OVER (PARTITION BY c.value->>0 ORDER BY s.webhook_id) AS place
           FROM ${candidateJoin} JOIN webhooks w ON w.id = s.webhook_id AND ${isReceiving}
           GROUP BY c.value->>0, s.webhook_id
         ) WHERE place <= ${matchesMax + 1} GROUP BY webhook_id
       ) m CROSS JOIN webhooks w ON w.id = m.webhook_id ORDER BY w.id`,
    )
    .bind(JSON.stringify(topics.flatMap(candidatesOf)));
}

/**
 * @param page.cursor only webhooks with a higher id. @param page.acceptedAt in ms: only subscriptions from before then.
 * @returns the next `matchesMax` webhooks that match a topic, in order of creation.
 */
export async function matchPage(
  db: D1Database,
  topic: Topic,
  page: { cursor: number; acceptedAt: number },
): Promise<MatchedWebhook[]> {
  const { results } = await db
    .prepare(
      `SELECT ${webhookColumns} FROM webhooks w WHERE ${isReceiving} AND w.id IN (
         SELECT s.webhook_id FROM ${candidateJoin} WHERE s.webhook_id > ?2 AND s.created_at <= ?3
       ) ORDER BY w.id LIMIT ${matchesMax}`,
    )
    .bind(JSON.stringify(candidatesOf(topic, 0)), page.cursor, page.acceptedAt)
    .all<MatchedWebhook>();
  return results;
}

/**
 * @param index of the topic, repeated in each candidate.
 * @returns every [index, type or wildcard, project, job] that a matching subscription can have. An empty project or job
 *   means "any".
 */
export function candidatesOf(topic: Topic, index: number): [number, string, string, string][] {
  const { type, projectUuid, jobUuid } = topic;
  const limits: [string, string][] = [["", ""]];
  if (projectUuid !== null) limits.push([projectUuid, ""]);
  if (projectUuid !== null && jobUuid !== null) limits.push([projectUuid, jobUuid]);
  return patternsFor(type).flatMap((pattern) =>
    limits.map(([project, job]): [number, string, string, string] => [index, pattern, project, job]),
  );
}
