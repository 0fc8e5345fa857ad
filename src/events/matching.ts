/**
 * Which webhooks hear which events: one look-up in an index per combination that a subscription may have, wildcards
 * included. What does not match costs nothing.
 */
import { patternsFor } from "./patterns";
import { type LaneConfigRow, laneConfigColumns } from "../lane/lane-configs";

/** What matching looks at. Events of the same topic match the same webhooks. */
export type Topic = { type: string; projectUuid: string | null; jobUuid: string | null };

/** A webhook that matches any topic. `waits`: whether it has events in `handovers`, which go first. */
export type MatchedWebhook = LaneConfigRow & { id: number; waits: number };

/**
 * `matches`: JSON, the topics that it matches (`TopicMatch`). `any_bulk`: whether any event waits to be handed over in pages:
 * then all that come after it wait behind it.
 */
export type FoundWebhook = MatchedWebhook & { matches: string; any_bulk: number };

/** A topic by its index, when the oldest of the webhook's matching subscriptions was made, and how many webhooks match it. */
export type TopicMatch = [topic: number, since: number, total: number];

/** An event with more matches than this is handed over in pages. */
export const matchesMax = 1000;

/** A matching subscription `s` for each candidate `c`, looked up in `subscriptions_match`. */
export const candidateJoin = `json_each(?1) c CROSS JOIN subscriptions s ON s.event_type = c.value->>1
  AND s.project_uuid = c.value->>2 AND s.job_uuid = c.value->>3`;

/** A disabled webhook is handed nothing. */
const isServed = "w.deleted_at IS NULL AND w.state <> 'disabled'";

const webhookColumns = `w.id, ${laneConfigColumns},
  EXISTS (SELECT 1 FROM handovers h WHERE h.webhook_id = w.id) AS waits`;

/**
 * @returns a statement that gives the webhooks that match any of the topics, in order of creation, with what each of
 *   them hears (`FoundWebhook`). A topic is heard by at most one webhook more than `matchesMax` here.
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
           FROM ${candidateJoin} JOIN webhooks w ON w.id = s.webhook_id AND ${isServed}
           GROUP BY c.value->>0, s.webhook_id
         ) WHERE place <= ${matchesMax + 1} GROUP BY webhook_id
       ) m CROSS JOIN webhooks w ON w.id = m.webhook_id ORDER BY w.id`,
    )
    .bind(JSON.stringify(topics.flatMap(candidatesOf)));
}

/** One page of the webhooks behind `cursor` that match a topic and had subscribed by `acceptedAt`. */
export async function matchPage(
  db: D1Database,
  topic: Topic,
  page: { cursor: number; acceptedAt: number },
): Promise<MatchedWebhook[]> {
  const { results } = await db
    .prepare(
      `SELECT ${webhookColumns} FROM webhooks w WHERE ${isServed} AND w.id IN (
         SELECT s.webhook_id FROM ${candidateJoin} WHERE s.webhook_id > ?2 AND s.created_at <= ?3
       ) ORDER BY w.id LIMIT ${matchesMax}`,
    )
    .bind(JSON.stringify(candidatesOf(topic, 0)), page.cursor, page.acceptedAt)
    .all<MatchedWebhook>();
  return results;
}

/** Every (type or wildcard, project, job) that a subscription to this topic may have: empty where it is not limited. */
export function candidatesOf(topic: Topic, index: number): [number, string, string, string][] {
  const { type, projectUuid, jobUuid } = topic;
  const limits: [string, string][] = [["", ""]];
  if (projectUuid !== null) limits.push([projectUuid, ""]);
  if (projectUuid !== null && jobUuid !== null) limits.push([projectUuid, jobUuid]);
  return patternsFor(type).flatMap((pattern) =>
    limits.map(([project, job]): [number, string, string, string] => [index, pattern, project, job]),
  );
}
