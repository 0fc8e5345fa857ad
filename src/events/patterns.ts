/**
 * Wildcards in subscriptions: `a:b:*` stands for every type one level below `a:b`, `a:b:**` for every type below it,
 * and `**` for all. A type that appears later is caught too.
 */
import { optionalFilters, subscribableEventTypes } from "./types";

const below = "**";
const oneLevel = "*";

/** Whether a text is a wildcard at all, in form. */
export function isPattern(text: string): boolean {
  return text === below || text.endsWith(`:${oneLevel}`) || text.endsWith(`:${below}`);
}

/** Everything that a subscription which hears this type may say: the type, and the wildcards around it. Few: they are looked up. */
export function patternsFor(type: string): string[] {
  const levels = type.split(":");
  const parents = levels.slice(1).map((_, index) => levels.slice(0, index + 1).join(":"));
  const parent = parents.at(-1);
  return [
    type,
    ...(parent === undefined ? [] : [`${parent}:${oneLevel}`]),
    ...parents.map((prefix) => `${prefix}:${below}`),
    below,
  ];
}

/** The event types of today that a subscription hears; none for a name that does not exist. */
export function typesMatchedBy(subscribed: string): string[] {
  return subscribableEventTypes.filter((type) => patternsFor(type).includes(subscribed));
}

/** What a subscription may be limited to: for a wildcard, what all of its types may be. */
export function filtersOf(subscribed: string): Set<"project_uuid" | "job_uuid"> {
  const [first, ...others] = typesMatchedBy(subscribed).map((type) => new Set(optionalFilters(type).flat()));
  return others.reduce((common, filters) => common.intersection(filters), first ?? new Set());
}
