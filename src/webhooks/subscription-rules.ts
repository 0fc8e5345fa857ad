/** Validation of subscriptions beyond their schema: event types and filters. */
import type { z } from "@hono/zod-openapi";
import type { SubscriptionSpec } from "./subscriptions";
import { FieldError } from "../platform/errors";
import { similarTypes } from "../events/similar-types";
import { filtersOf, isPattern, typesMatchedBy } from "../events/patterns";
import type { subscriptionSpecSchema } from "./schemas";

/**
 * @param specs validated by their schema.
 * @returns the subscriptions as they are stored.
 * @throws {FieldError} for the first one with an unknown event type or a filter that it cannot have.
 */
export function parseSubscriptions(specs: z.output<typeof subscriptionSpecSchema>[]): SubscriptionSpec[] {
  return specs.map((spec, index) => {
    const error = findError(spec);
    if (error !== null) throw new FieldError(`subscriptions[${index}].${error.field}`, error.rule);
    return { eventType: spec.event_type, projectUuid: spec.project_uuid ?? "", jobUuid: spec.job_uuid ?? "" };
  });
}

function findError(spec: z.output<typeof subscriptionSpecSchema>): Pick<FieldError, "field" | "rule"> | null {
  const type = spec.event_type;
  if (typesMatchedBy(type).length === 0) return { field: "event_type", rule: unknownType(type) };

  const filters = filtersOf(type);
  const byProject = (spec.project_uuid ?? null) !== null;
  const byJob = (spec.job_uuid ?? null) !== null;
  if (byJob && !filters.has("job_uuid")) {
    const rule = "only project:one-off-job:* and project:cron-job:* can be limited to a job.";
    return { field: "job_uuid", rule };
  }
  if (byJob && !byProject) {
    return { field: "job_uuid", rule: "must be sent together with the project_uuid of the job's project." };
  }
  if (byProject && !filters.has("project_uuid")) {
    return { field: "project_uuid", rule: "only project:* can be limited to a project." };
  }
  return null;
}

function unknownType(type: string): string {
  const list = "GET /api/notifications/subscribable-events lists the event types.";
  if (isPattern(type)) return `is a wildcard that matches no event type. ${list}`;
  const similar = similarTypes(type);
  return similar.length === 0
    ? `is not an event type. ${list}`
    : `is not an event type. Did you mean ${similar.join(" or ")}? ${list}`;
}
