/** Finds the webhooks that may have an event in their lanes. */
import { candidateJoin, candidatesOf } from "./matching";
import type { ArchivedEvent } from "./archived-event";

/** A webhook that may have the event. */
export type PossibleReceiver = { uuid: string; name: string; origin: string };

/**
 * Lists the webhooks that may have the event, the most likely first: those that match it now, then those that existed
 * when it was accepted, then those that were created later, to which it may have been replayed.
 * @returns at most `limit` webhooks. `complete`: whether these are all.
 */
export async function listPossibleReceivers(
  db: D1Database,
  event: ArchivedEvent,
  limit: number,
): Promise<{ webhooks: PossibleReceiver[]; complete: boolean }> {
  const topic = { type: event.type, projectUuid: event.project_uuid, jobUuid: event.job_uuid };
  const { results } = await db
    .prepare(
      `SELECT w.uuid, w.name, w.origin FROM webhooks w WHERE w.deleted_at IS NULL
       ORDER BY w.id IN (SELECT s.webhook_id FROM ${candidateJoin}) DESC, w.created_at > ?2, w.id LIMIT ?3`,
    )
    .bind(JSON.stringify(candidatesOf(topic, 0)), event.accepted_at, limit + 1)
    .all<PossibleReceiver>();
  return { webhooks: results.slice(0, limit), complete: results.length <= limit };
}
