/** Relative times, with the exact time on hover. */
import { isoTime } from "../../platform/time";

const units = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
] as const;
/** Beyond this, the date is shown. */
const relativeMaxMs = 7 * 86_400_000;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

/** @param props.at ms since 1970; null is displayed as `otherwise`. */
export function Time({ at, otherwise = "–" }: { at: number | null; otherwise?: string }) {
  if (at === null) return <span class="muted">{otherwise}</span>;
  const exact = isoTime(at);
  return (
    <time datetime={exact} title={exact}>
      {timeText(at, Date.now())}
    </time>
  );
}

/**
 * @returns `3 minutes ago`, `in 2 hours`, or `5 Nov 2026, 12:00 UTC` for a time more than 7 days from `now`. Both in
 *   ms.
 */
export function timeText(at: number, now: number): string {
  const distance = at - now;
  if (Math.abs(distance) > relativeMaxMs) return `${date.format(at)} UTC`;
  const [unit, unitMs] = units.find(([, ms]) => Math.abs(distance) >= ms) ?? ["second", 1000];
  return relative.format(Math.trunc(distance / unitMs), unit);
}
