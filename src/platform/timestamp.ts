/** Parsing the timestamps of events and API parameters. */

const pattern =
  /^(?<year>\d{4})(?<dash>-?)(?<month>\d{2})\k<dash>(?<day>\d{2})[Tt ](?<hour>\d{2})(?:(?<colon>:?)(?<minute>\d{2})(?:\k<colon>(?<second>\d{2})(?:[.,](?<fraction>\d+))?)?)?(?:[Zz]|(?<sign>[-+\u2212])(?<zoneHour>\d{2})(?::?(?<zoneMinute>\d{2}))?)?$/;

const minutesPerDay = 24 * 60;

/**
 * @param text a date and a time as RFC 3339 (5.6), ISO 8601 (a calendar date, extended or basic format) or Python writes
 *   them: `2022-06-02 16:12:25.242592+00:00`. Minutes, seconds and the zone may be absent; without a zone it is UTC.
 * @returns microseconds since 1970, or null when it is not such a time, or one that does not exist. Further digits are cut
 *   off. A leap second (`23:59:60` UTC) is the same as the second after it.
 */
export function parseTimestampUs(text: string): number | null {
  const parts = pattern.exec(text)?.groups;
  if (parts === undefined) return null;
  const dayMs = startOfDayMs(`${parts["year"]}-${parts["month"]}-${parts["day"]}`);
  const minutes = minutesOf(parts);
  if (dayMs === null || minutes === null) return null;
  const second = Number(parts["second"] ?? 0);
  // A leap second is the last one of a day in UTC, whatever the zone (RFC 3339, 5.7).
  const isLastMinute = (minutes + minutesPerDay) % minutesPerDay === minutesPerDay - 1;
  if (second > (isLastMinute ? 60 : 59)) return null;
  const fraction = (parts["fraction"] ?? "").padEnd(6, "0").slice(0, 6);
  return (dayMs + (minutes * 60 + second) * 1000) * 1000 + Number(fraction);
}

/** @returns ms since 1970; null for a day that does not exist, which `Date.parse` may read as one of the next month. */
function startOfDayMs(day: string): number | null {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day) ? date.getTime() : null;
}

type Parts = { [part: string]: string | undefined };

/** @returns the minutes since the start of the day in UTC: below 0 or above 1439 where the zone leads to another day. */
function minutesOf(parts: Parts): number | null {
  const [hour, minute] = [Number(parts["hour"]), Number(parts["minute"] ?? 0)];
  const [zoneHour, zoneMinute] = [Number(parts["zoneHour"] ?? 0), Number(parts["zoneMinute"] ?? 0)];
  if (minute > 59 || zoneHour > 23 || zoneMinute > 59) return null;
  if (hour > 23 && !isEndOfDay(parts)) return null;
  const zone = zoneHour * 60 + zoneMinute;
  return hour * 60 + minute - (parts["sign"] === "+" ? zone : -zone);
}

/** `24:00`: midnight at the end of the day (ISO 8601). */
function isEndOfDay({ hour, minute = "00", second = "00", fraction = "0" }: Parts): boolean {
  return hour === "24" && minute === "00" && second === "00" && /^0+$/.test(fraction);
}
