/** One JSON line for each entry, on standard output. */

/** @param fields without secrets: no path or query of a URL, no header, no body. */
export function log(
  level: "info" | "warn" | "error",
  message: string,
  fields: Record<string, unknown> = {},
): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }));
}
