/** What is wrong with a request, in a sentence that a person can act on. */
import type { z } from "@hono/zod-openapi";

type Issue = z.core.$ZodIssue;

/** More would be noise: a list of 1,000 wrong subscriptions is one mistake. */
const issuesMax = 5;
/** A name or value that somebody sent in may be as long as a body. */
const charactersMax = 300;

/**
 * @param issues What a schema found, at least one.
 * @returns for example `name: must be at most 100 characters. subscriptions[2].event_type: is required.`
 */
export function formatValidationErrors(issues: readonly Issue[]): string {
  const described = issues.slice(0, issuesMax).map(formatValidationError);
  const left = issues.length - described.length;
  return left > 0 ? `${described.join(" ")} And ${left} more.` : described.join(" ");
}

function formatValidationError({ path, message }: Issue): string {
  const sentence = cut(/[.?]$/.test(message) ? message : `${message}.`);
  return path.length === 0 ? sentence : `${cut(fieldName(path))}: ${sentence}`;
}

/** `["subscriptions", 2, "event_type"]` → `subscriptions[2].event_type` */
function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}

function cut(text: string): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax).toWellFormed()}…`;
}
