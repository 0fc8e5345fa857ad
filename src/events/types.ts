/** The event types: Orchest's 59, from its documentation ("Event types"), and the gateway's own. */
import { gatewayEventTypes } from "../lane/announcements";

const byPrefix: Record<string, readonly string[]> = {
  project: ["created", "updated", "deleted"],
  "project:environment": ["created", "deleted"],
  "project:environment:image-build": ["created", "started", "cancelled", "failed", "succeeded"],
  "project:pipeline": ["created", "updated", "deleted"],
  "project:pipeline:interactive-session": ["started", "stopped", "failed", "service-restarted", "succeeded"],
  "project:pipeline:interactive-session:pipeline-run": [
    "created",
    "started",
    "cancelled",
    "failed",
    "succeeded",
  ],
  "project:one-off-job": ["created", "updated", "deleted", "started", "cancelled", "failed", "succeeded"],
  "project:one-off-job:pipeline-run": ["created", "started", "cancelled", "failed", "deleted", "succeeded"],
  "project:cron-job": [
    "created",
    "updated",
    "deleted",
    "started",
    "cancelled",
    "failed",
    "succeeded",
    "paused",
    "unpaused",
  ],
  "project:cron-job:run": ["started", "succeeded", "failed"],
  "project:cron-job:run:pipeline-run": ["created", "started", "cancelled", "failed", "deleted", "succeeded"],
  "jupyter:image-build": ["created", "started", "cancelled", "failed", "succeeded"],
};

/** An event type that Orchest documents but never sends, because a cron job does not end by itself. */
export const neverSentType = "project:cron-job:succeeded";

/** Orchest's event types. Only these can be published. */
export const orchestEventTypes: readonly string[] = Object.entries(byPrefix).flatMap(([prefix, states]) =>
  states.map((state) => `${prefix}:${state}`),
);

/** The event types that can be subscribed to. */
export const subscribableEventTypes: readonly string[] = [...orchestEventTypes, ...gatewayEventTypes];

const publishable = new Set(orchestEventTypes);

/** Whether clients may publish events of this type. */
export function isPublishable(type: string): boolean {
  return publishable.has(type);
}

/**
 * @returns the filters that a subscription to this type may have, as in `GET /subscribable-events`: the allowed
 *   combinations, without the empty one.
 */
export function optionalFilters(type: string): ("project_uuid" | "job_uuid")[][] {
  if (isAboutJob(type)) return [["project_uuid"], ["project_uuid", "job_uuid"]];
  if (type.startsWith("project:")) return [["project_uuid"]];
  return [];
}

function isAboutJob(type: string): boolean {
  return type.startsWith("project:cron-job:") || type.startsWith("project:one-off-job:");
}
