/** One JSON line per thing that happened, for `wrangler tail` and Workers Logs. */

type Level = "info" | "warn" | "error";

/**
 * Writes one line. `fields` must hold no secret, no body and no URL beyond its origin: whoever may read
 * logs may not read webhooks.
 */
export function log(level: Level, message: string, fields: Record<string, unknown> = {}): void {
  console[level](JSON.stringify({ level, message, ...fields }));
}
