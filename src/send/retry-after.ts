/** Parses `Retry-After` (RFC 9110, 10.2.3), including common malformed values and several joined ones. */

/** The longest wait, in ms. The limit keeps the sums with it valid dates. */
const longestMs = 24 * 3_600_000;

/** Proxies join several values by commas. A comma before a day and a month is part of a date. */
const separator = /,(?!\s*\d{1,2}[\s-]+[a-z]{3})/i;
const seconds = /^\+?\d+(\.\d*)?\s*(s|secs?|seconds?)?$/i;
/** The three forms of a date begin with the day of the week (RFC 9110, 5.6.7). Some servers omit it. */
const httpDate = /^((mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?(\d{1,2}[\s-]+)?[a-z]{3}[\s-]/i;
const isoDate = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/i;
const quotationMarks = /["']/g;
const zone = /(gmt|utc|z|[+-]\d\d:?\d\d)$/i;

/**
 * @param value of the header; null when the response has none.
 * @param now in ms: dates are relative to it.
 * @returns how long to wait, in ms: from 0 (also for a time in the past) to a day, and the longest of several values.
 *   Null when no value is valid.
 */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  const asked = value
    .replace(quotationMarks, "")
    .split(separator)
    .map((one) => parseOne(one.trim(), now))
    .filter((ms) => ms !== null);
  if (asked.length === 0) return null;
  return asked.reduce((longest, ms) => Math.max(longest, Math.min(ms, longestMs)), 0);
}

/** @returns one value in ms, which may be negative; null when it is not valid. */
function parseOne(value: string, now: number): number | null {
  if (seconds.test(value)) return Number.parseFloat(value) * 1000;
  // `Date.parse` accepts almost any text: "-5" is a date in May 2001.
  if (!httpDate.test(value) && !isoDate.test(value)) return null;
  // One of the three forms has no time zone, and `Date.parse` would use the machine's.
  const date = Date.parse(zone.test(value) ? value : `${value}${isoDate.test(value) ? "Z" : " GMT"}`);
  return Number.isNaN(date) ? null : date - now;
}
