/**
 * Matching events to webhooks: one index lookup for each combination of pattern, project and job that a subscription to
 * the event can have. Subscriptions that do not match are not read.
 */
import { patternsFor } from "./patterns";

/** The properties of an event that matching uses. Events of the same topic match the same webhooks. */
export type Topic = { type: string; projectUuid: string | null; jobUuid: string | null };

/** SQL: the subscriptions `s` of each candidate `c` in `?1` (see `candidatesOf`), found by the index `subscriptions_match`. */
export const candidateJoin = `json_each(?1) c CROSS JOIN subscriptions s ON s.event_type = c.value->>1
  AND s.project_uuid = c.value->>2 AND s.job_uuid = c.value->>3`;

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
