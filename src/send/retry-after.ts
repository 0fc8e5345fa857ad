/** `Retry-After` (RFC 9110, 10.2.3), also as lax servers and chains of proxies write it. */

/** What is longer is as good as this, and sums with it stay valid dates. */
const longestMs = 24 * 3_600_000;

/** Two proxies' values come joined by a comma. A comma before a day and a month is a date's own. */
const separator = /,(?!\s*\d{1,2}[\s-]+[a-z]{3})/i;
const seconds = /^\+?\d+(\.\d*)?\s*(s|secs?|seconds?)?$/i;
/** The three forms of a date begin with the day of the week (RFC 9110, 5.6.7); some servers leave it out. */
const httpDate = /^((mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?(\d{1,2}[\s-]+)?[a-z]{3}[\s-]/i;
const isoDate = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/i;
const quotationMarks = /["']/g;
const zone = /(gmt|utc|z|[+-]\d\d:?\d\d)$/i;

/**
 * @param value of the header, null when the answer has none.
 * @param now in ms: dates are relative to it.
 * @returns for how long nothing is to be sent, from 0 (also for a time in the past) to a day, in ms; of several values
 * the longest; null when there is none that can be understood.
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

/** One value in ms, which may be negative; null when it cannot be understood. */
function parseOne(value: string, now: number): number | null {
  if (seconds.test(value)) return Number.parseFloat(value) * 1000;
  // `Date.parse` makes a date of almost anything: "-5" is in May 2001.
  if (!httpDate.test(value) && !isoDate.test(value)) return null;
  // One of the three forms has no zone: without one `Date.parse` takes the machine's.
  const date = Date.parse(zone.test(value) ? value : `${value}${isoDate.test(value) ? "Z" : " GMT"}`);
  return Number.isNaN(date) ? null : date - now;
}
