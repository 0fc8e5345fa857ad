/** Times in forms: `datetime-local` fields, which know no zone, hold UTC here. */

/** What such a field may hold: browsers leave the seconds out where they are 0. */
const form = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?$/;

/** @returns ms since 1970, or null for what is no such time. */
export function parseUtc(text: string): number | null {
  const ms = form.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  // 30 February would pass for 2 March.
  return Number.isNaN(ms) || !utcText(ms).startsWith(text.slice(0, 16)) ? null : ms;
}

/** `2026-11-05T12:00`, or with seconds where there are some. @param ms since 1970. */
export function utcText(ms: number): string {
  return new Date(ms).toISOString().replace(/(:00)?(\.000)?Z$/, "");
}
