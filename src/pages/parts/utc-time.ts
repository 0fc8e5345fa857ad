/** Times in forms: `datetime-local` fields, which have no time zone, contain UTC. */

/** The format of such a field. Browsers omit seconds that are 0. */
const format = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?$/;

/** @returns ms since 1970, or null for an invalid time. */
export function parseUtc(text: string): number | null {
  const ms = format.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  // Date.parse reads 30 February as 2 March.
  return Number.isNaN(ms) || !utcText(ms).startsWith(text.slice(0, 16)) ? null : ms;
}

/** `2026-11-05T12:00`, or with seconds where there are some. @param ms since 1970. */
export function utcText(ms: number): string {
  return new Date(ms).toISOString().replace(/(:00)?(\.000)?Z$/, "");
}
