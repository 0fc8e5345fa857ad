/** Numbers formatted for people. */

const whole = new Intl.NumberFormat("en");
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

/** `12,345` */
export function count(value: number): string {
  return whole.format(value);
}

/** `99.5%`. Below 100 % if anything failed. @param rate from 0 to 1; null without attempts. */
export function successRate(rate: number | null): string {
  if (rate === null) return "–";
  return percent.format(rate === 1 ? 1 : Math.min(rate, 0.999));
}

/** `120 ms`, `2.5 s` */
export function duration(ms: number | null): string {
  if (ms === null) return "–";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
