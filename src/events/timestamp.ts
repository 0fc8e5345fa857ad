/** Parsing the timestamps of events and API parameters. */

const pattern =
  /^(?<date>\d{4}-\d{2}-\d{2})[T ](?<time>\d{2}:\d{2}:\d{2})(?:\.(?<fraction>\d{1,9}))?(?<zone>Z|[+-]\d{2}:\d{2})?$/;

/**
 * @param text a time as Orchest writes it (`2022-06-02 16:12:25.242592+00:00`, Python's format) or in ISO 8601. Without a
 *   zone it is UTC.
 * @returns microseconds since 1970, or null when it is not such a time.
 */
export function parseTimestampUs(text: string): number | null {
  const { date, time, fraction = "", zone = "Z" } = pattern.exec(text)?.groups ?? {};
  const seconds = Date.parse(`${date}T${time}${zone}`) / 1000;
  if (Number.isNaN(seconds)) return null;
  return seconds * 1_000_000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}
