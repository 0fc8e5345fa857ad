/** One JSON line per thing that happened, for `wrangler tail` and Workers Logs. */

type Level = "info" | "warn" | "error";

/** In a line as JSON: a URL, or a query's parameters (see `redact`). */
const mayHoldSecrets = /:\/\/|params: /;
const url = /\b(?:https?|wss?):\/\/[^\s"'`<>\\]+/gi;

/**
 * Writes one line. `fields` must hold no secret and no body: whoever may read logs may not read webhooks. Texts of
 * errors come from others: what looks like a URL in them is cut to its origin, and a query's parameters go.
 */
export function log(level: Level, message: string, fields: Record<string, unknown> = {}): void {
  const line = { level, message, ...fields };
  const text = JSON.stringify(line);
  // Most lines hold nothing of the kind, and a look at each of their fields takes longer than writing them.
  console[level](mayHoldSecrets.test(text) ? JSON.stringify(line, redact) : text);
}

function redact(_key: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  // drizzle's errors name the query, and on a line of their own all that it was called with.
  return value.replace(/\nparams: [\s\S]*/, "\nparams: …").replace(url, originOf);
}

function originOf(text: string): string {
  const parsed = URL.parse(text);
  return parsed === null ? "(a URL)" : parsed.origin;
}
