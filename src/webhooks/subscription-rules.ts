/** Which subscriptions there can be: beyond their form, what they say must make sense. */
import type { z } from "@hono/zod-openapi";
import type { SubscriptionSpec } from "./subscriptions";
import { FieldError } from "../platform/errors";
import { similarTypes } from "../events/similar-types";
import { filtersOf, isPattern, typesMatchedBy } from "../events/patterns";
import type { subscriptionSpecSchema } from "./schemas";

/**
 * @param specs Subscriptions as sent in, of the right form.
 * @returns them as they are stored.
 * @throws {FieldError} about the first that cannot be.
 */
export function parseSubscriptions(specs: z.output<typeof subscriptionSpecSchema>[]): SubscriptionSpec[] {
  return specs.map((spec, index) => {
    const refusal = refuse(spec);
    if (refusal !== null) throw new FieldError(`subscriptions[${index}].${refusal.field}`, refusal.rule);
    return { eventType: spec.event_type, projectUuid: spec.project_uuid ?? "", jobUuid: spec.job_uuid ?? "" };
  });
}

function refuse(spec: z.output<typeof subscriptionSpecSchema>): Pick<FieldError, "field" | "rule"> | null {
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
    return { field: "job_uuid", rule: "needs the project_uuid of the job's project beside it." };
  }
  if (byProject && !filters.has("project_uuid")) {
    return { field: "project_uuid", rule: "only project:* can be limited to a project." };
  }
  return null;
}

function unknownType(type: string): string {
  const known = "GET /api/notifications/subscribable-events lists what there is.";
  if (isPattern(type)) return `is a wildcard that no event type fits. ${known}`;
  const close = similarTypes(type);
  return close.length === 0
    ? `is not an event type. ${known}`
    : `is not an event type. Did you mean ${close.join(" or ")}? ${known}`;
}
