/**
 * Wildcards in subscriptions: `a:b:*` matches every type one level below `a:b`, `a:b:**` every type below it, and `**`
 * every type. They also match types that are added later.
 */
import { optionalFilters, subscribableEventTypes } from "./types";

const anyDepth = "**";
const oneLevel = "*";

/** Whether a text has the form of a wildcard. It may match no event type. */
export function isPattern(text: string): boolean {
  return text === anyDepth || text.endsWith(`:${oneLevel}`) || text.endsWith(`:${anyDepth}`);
}

/** @returns every `event_type` of a subscription that matches this type: the type itself and its wildcards. */
export function patternsFor(type: string): string[] {
  const levels = type.split(":");
  const parents = levels.slice(1).map((_, index) => levels.slice(0, index + 1).join(":"));
  const parent = parents.at(-1);
  return [
    type,
    ...(parent === undefined ? [] : [`${parent}:${oneLevel}`]),
    ...parents.map((prefix) => `${prefix}:${anyDepth}`),
    anyDepth,
  ];
}

/** @param subscribed an event type or wildcard. @returns the existing event types that it matches, if any. */
export function typesMatchedBy(subscribed: string): string[] {
  return subscribableEventTypes.filter((type) => patternsFor(type).includes(subscribed));
}

/** @returns the filters that a subscription to this type may have; for a wildcard, those that all of its types allow. */
export function filtersOf(subscribed: string): Set<"project_uuid" | "job_uuid"> {
  const [first, ...others] = typesMatchedBy(subscribed).map((type) => new Set(optionalFilters(type).flat()));
  return others.reduce((common, filters) => common.intersection(filters), first ?? new Set());
}
