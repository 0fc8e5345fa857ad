/** Filters in an address that cannot be read: what is said of them, and how they stay in sight. */
/** @returns what was typed, in quotes. Somebody may have typed, or linked to, something long. */
export function quoted(text: string): string {
  return `“${text.length <= 100 ? text : `${text.slice(0, 100).toWellFormed()}…`}”`;
}

/** @returns what is wrong with a text that is no time, and what is allowed. */
export function timeError(text: string): string {
  return `${quoted(text)} is no time: it must be like 2026-11-05T12:00, in UTC.`;
}

/** @returns what is wrong with an end, or undefined. Both in ms; undefined where none was given. */
export function endError(since: number | undefined, until: number | undefined): string | undefined {
  if (since === undefined || until === undefined || until > since) return undefined;
  return "The end must be later than the beginning.";
}
