/** Error messages for invalid filters. */

/** @returns the text in quotes, cut to 100 characters. */
export function quoted(text: string): string {
  return `“${text.length <= 100 ? text : `${text.slice(0, 100).toWellFormed()}…`}”`;
}

/** @returns the error for an invalid time. */
export function timeError(text: string): string {
  return `${quoted(text)} is not a time: use the format 2026-11-05T12:00, in UTC.`;
}

/** @returns the error for an end that is not after the start, else undefined. Times in ms; undefined if not given. */
export function endError(since: number | undefined, until: number | undefined): string | undefined {
  if (since === undefined || until === undefined || until > since) return undefined;
  return "The end must be after the start.";
}
