/** Times as publishers write them. */

const pattern =
  /^(?<date>\d{4}-\d{2}-\d{2})[T ](?<time>\d{2}:\d{2}:\d{2})(?:\.(?<fraction>\d{1,9}))?(?<zone>Z|[+-]\d{2}:\d{2})?$/;

/**
 * Microseconds since 1970 of `2022-06-02 16:12:25.242592+00:00` (Python's way, Orchest's) or ISO 8601; without a
 * zone it is UTC. Null when it is no such time.
 */
export function parseTimestampUs(text: string): number | null {
  const { date, time, fraction = "", zone = "Z" } = pattern.exec(text)?.groups ?? {};
  const seconds = Date.parse(`${date}T${time}${zone}`) / 1000;
  if (Number.isNaN(seconds)) return null;
  return seconds * 1_000_000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}
