/** Messages for validation errors: each names the field and says what is allowed. */
import type { z } from "@hono/zod-openapi";

type Issue = z.core.$ZodIssue;

/** How many errors a message lists: a request with 1,000 invalid subscriptions usually has one cause. */
const issuesMax = 5;
/**
 * The most characters of a name or message: both may contain text from the request, which can be as long as its body.
 */
const charactersMax = 300;

/**
 * @param issues of a zod error, at least one.
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
