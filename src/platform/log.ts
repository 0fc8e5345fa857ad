/** Structured logs: one JSON line per entry, for `wrangler tail` and Workers Logs. */

type Level = "info" | "warn" | "error";

/** Matches a JSON line that contains a URL or a query's parameters (see `redact`). */
const mayContainSecrets = /:\/\/|params: /;
const url = /\b(?:https?|wss?):\/\/[^\s"'`<>\\]+/gi;

/**
 * Writes one line. `fields` must not contain secrets or bodies: people who read logs need not have access to webhooks.
 * Error messages of libraries may contain both, so URLs are cut to their origins and the parameters of queries are
 * removed.
 */
export function log(level: Level, message: string, fields: Record<string, unknown> = {}): void {
  const line = { level, message, ...fields };
  const text = JSON.stringify(line);
  // Redacting each field takes longer than writing the line, and few lines need it.
  console[level](mayContainSecrets.test(text) ? JSON.stringify(line, redact) : text);
}

function redact(_key: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  // The message of a drizzle error has the query and, on a second line, its parameters.
  return value.replace(/\nparams: [\s\S]*/, "\nparams: …").replace(url, originOf);
}

function originOf(text: string): string {
  const parsed = URL.parse(text);
  return parsed === null ? "(a URL)" : parsed.origin;
}
