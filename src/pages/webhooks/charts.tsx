/** Charts of a webhook's deliveries and latencies, drawn as SVG, with a table for those who cannot see them. */
import type { Child } from "hono/jsx";
import type { Bucket } from "../../lane/stats";
import { isoTime } from "../../platform/time";
import { count, duration } from "../parts/format-numbers";
import { Cell, Table } from "../parts/table";
import { type Period, periodsOf, type Range, ranges, tablePeriodsOf } from "./periods";

/** In SVG units: the height equals pixels, the width is stretched to the available space. */
const height = 120;
const periodWidth = 10;
const barGap = 2;

const outcomes = [
  { key: "delivered", label: "Delivered" },
  { key: "retried", label: "Failed, retried" },
  { key: "dead", label: "Dead letters" },
] as const;

const percentiles = [
  { key: "p50_ms", label: "p50" },
  { key: "p95_ms", label: "p95" },
  { key: "p99_ms", label: "p99" },
] as const;

/** @param props.history null when the lane did not respond. */
export function Charts({ history, range, now }: { history: Bucket[] | null; range: Range; now: number }) {
  if (history === null) {
    return <p class="notice bad">Charts are unavailable right now. No data is lost: try again.</p>;
  }
  const periods = periodsOf(history, range, now);
  if (periods.every(({ attempts }) => attempts === 0)) {
    return <p class="empty">No attempts in the {ranges[range].name}.</p>;
  }
  return (
    <>
      <div class="grid">
        <Deliveries periods={periods} range={range} />
        <Latencies periods={periods} range={range} />
      </div>
      <details id="chart-table">
        <summary>Show as table</summary>
        <ChartTable periods={tablePeriodsOf(history, range, now)} range={range} />
      </details>
    </>
  );
}

function Deliveries({ periods, range }: { periods: Period[]; range: Range }) {
  const top = Math.max(...periods.map((period) => period.delivered + period.retried + period.dead));
  const totals = outcomes.map(({ key, label }) => ({ key, label, total: total(periods, key) }));
  const summary = totals.map((one) => `${one.label.toLowerCase()} ${count(one.total)}`).join("; ");
  const { name, period } = ranges[range];
  return (
    <Figure
      title="Deliveries"
      range={range}
      scale={[count(top), "0"]}
      label={`Attempts in the ${name}: ${summary}. Peak: ${count(top)} in ${period}.`}
      legend={totals.map(({ key, label, total }) => (
        <li>
          <svg class="swatch" viewBox="0 0 16 12" aria-hidden="true">
            <path class={`bar ${key}`} d="M0 0h16v12H0z" {...pattern(key)} />
          </svg>
          {label}: {count(total)}
        </li>
      ))}
    >
      <defs>
        <pattern id="stripes" width="4" height="4" patternUnits="userSpaceOnUse">
          <path class="stripe" d="M0 0h4v2H0z" />
        </pattern>
      </defs>
      {outcomes.map(({ key }, index) => (
        <path
          class={`bar ${key}`}
          d={bars(periods, { key, below: outcomes.slice(0, index).map((one) => one.key), top })}
          {...pattern(key)}
        />
      ))}
    </Figure>
  );
}

/** Stripes distinguish the bars without colour. */
function pattern(key: (typeof outcomes)[number]["key"]): { fill?: string } {
  return key === "retried" ? { fill: "url(#stripes)" } : {};
}

/** One path with a bar for each period, stacked on the bars of `below`. */
function bars(
  periods: Period[],
  { key, below, top }: { key: keyof Period; below: (keyof Period)[]; top: number },
): string {
  return periods
    .map((period, index) => {
      const size = ((period[key] ?? 0) / top) * height;
      if (size === 0) return "";
      // At least 2 pixels, so that a small value stays visible.
      const shown = Math.max(size, 2);
      const base = height - (below.reduce((sum, other) => sum + (period[other] ?? 0), 0) / top) * height;
      const [x, y] = [index * periodWidth + barGap / 2, Math.max(base, shown)];
      return `M${x} ${round(y)}v${round(-shown)}h${periodWidth - barGap}v${round(shown)}z`;
    })
    .join("");
}

function Latencies({ periods, range }: { periods: Period[]; range: Range }) {
  const known = periods.flatMap(({ p50_ms, p99_ms }) => [p50_ms, p99_ms]).filter((ms) => ms !== null);
  const low = Math.floor(Math.log10(Math.max(Math.min(...known), 1)));
  const high = Math.max(Math.ceil(Math.log10(Math.max(...known, 1))), low + 1);
  const decades = Array.from({ length: high - low + 1 }, (_, index) => high - index);
  const worst = (key: (typeof percentiles)[number]["key"]) =>
    Math.max(...periods.map((one) => one[key] ?? 0));
  const summary = percentiles.map(({ key, label }) => `${label.toLowerCase()} ${duration(worst(key))}`);
  return (
    <Figure
      title="Latency"
      range={range}
      scale={decades.map((decade) => duration(10 ** decade))}
      label={`Latency of attempts in the ${ranges[range].name}. Highest in ${ranges[range].period}: ${summary.join(", ")}.`}
      legend={percentiles.map(({ key, label }) => (
        <li>
          <svg class="swatch" viewBox="0 0 24 12" aria-hidden="true">
            <path class={`line ${key}`} d="M0 6h24" />
          </svg>
          {label}
        </li>
      ))}
    >
      {decades.slice(1, -1).map((decade) => (
        <path class="rule" d={`M0 ${y(decade)}h${periods.length * periodWidth}`} />
      ))}
      {percentiles.map(({ key }) => (
        <path class={`line ${key}`} d={steps(periods.map((period) => period[key]))} />
      ))}
    </Figure>
  );

  function y(log: number): number {
    return round(height - ((log - low) / (high - low)) * height);
  }

  /** One path with a step for each period; a gap where there was no attempt. */
  function steps(values: (number | null)[]): string {
    let path = "";
    let isOpen = false;
    for (const [index, ms] of values.entries()) {
      if (ms !== null) {
        const at = y(Math.log10(Math.max(ms, 1)));
        path += `${isOpen ? `V${at}` : `M${index * periodWidth} ${at}`}h${periodWidth}`;
      }
      isOpen = ms !== null;
    }
    return path;
  }
}

/** A chart with its scale, time axis and legend. @param props.scale labels from top to bottom, evenly spaced. */
function Figure({
  title,
  label,
  scale,
  range,
  legend,
  children,
}: {
  title: string;
  label: string;
  scale: string[];
  range: Range;
  legend: Child;
  children?: Child;
}) {
  const { periods, periodMs } = ranges[range];
  const hours = (periods * periodMs) / 3_600_000;
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div class="chart-scale" aria-hidden="true">
        {scale.map((mark) => (
          <span>{mark}</span>
        ))}
      </div>
      <svg
        role="img"
        aria-label={label}
        viewBox={`0 0 ${periods * periodWidth} ${height}`}
        preserveAspectRatio="none"
      >
        {children}
      </svg>
      <div class="chart-times" aria-hidden="true">
        <span>{hours === 1 ? "1 hour ago" : `${hours} hours ago`}</span>
        <span>now</span>
      </div>
      <ul class="legend">{legend}</ul>
    </figure>
  );
}

function ChartTable({ periods, range }: { periods: Period[]; range: Range }) {
  return (
    <Table
      label={`Attempts and latency, ${ranges[range].name}`}
      columns={[
        "Start (UTC)",
        ...[...outcomes, ...percentiles].map(({ label }) => ({ label, number: true })),
      ]}
      small
    >
      {periods
        .filter(({ attempts }) => attempts > 0)
        .toReversed()
        .map((period) => (
          <tr>
            <th scope="row">
              <time datetime={isoTime(period.start)}>{isoTime(period.start).slice(11, 16)}</time>
            </th>
            {outcomes.map(({ key, label }) => (
              <Cell label={label} number>
                {count(period[key])}
              </Cell>
            ))}
            {percentiles.map(({ key, label }) => (
              <Cell label={label} number>
                {duration(period[key])}
              </Cell>
            ))}
          </tr>
        ))}
    </Table>
  );
}

function total(periods: Period[], key: "delivered" | "retried" | "dead"): number {
  return periods.reduce((sum, period) => sum + period[key], 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
