/** Charts of a webhook's deliveries and latencies, drawn as SVG, with a table for those who cannot see them. */
import type { Child } from "hono/jsx";
import type { Bucket } from "../../lane/stats";
import { isoTime } from "../../platform/time";
import { count, duration } from "../parts/format-numbers";
import { Cell, Table } from "../parts/table";
import { type Period, periodsOf, type Range, ranges, rowsOf } from "./periods";

/** In the chart's own units: the height is in pixels, the width is stretched to what there is. */
const height = 120;
const periodWidth = 10;
/** Between two bars. */
const gap = 2;

const outcomes = [
  { key: "delivered", label: "Delivered" },
  { key: "retried", label: "Failed, tried again" },
  { key: "dead", label: "Given up" },
] as const;

const shares = [
  { key: "p50_ms", label: "Half within" },
  { key: "p95_ms", label: "95% within" },
  { key: "p99_ms", label: "99% within" },
] as const;

/** @param props.history null where the lane did not answer. */
export function Charts({ history, range, now }: { history: Bucket[] | null; range: Range; now: number }) {
  if (history === null) {
    return <p class="notice bad">The charts cannot be drawn right now. Nothing is lost: try again.</p>;
  }
  const periods = periodsOf(history, range, now);
  if (periods.every(({ attempts }) => attempts === 0)) {
    return <p class="empty">Nothing was sent in the {ranges[range].name}: there is nothing to draw.</p>;
  }
  return (
    <>
      <div class="grid">
        <Deliveries periods={periods} range={range} />
        <Latencies periods={periods} range={range} />
      </div>
      <details id="chart-table">
        <summary>The same as a table</summary>
        <FiguresTable periods={rowsOf(history, range, now)} range={range} />
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
      label={`Attempts of the ${name}: ${summary}. At most ${count(top)} in ${period}.`}
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

/** What is striped is told from its neighbours without colours, too. */
function pattern(key: (typeof outcomes)[number]["key"]): { fill?: string } {
  return key === "retried" ? { fill: "url(#stripes)" } : {};
}

/** One path with a bar for each period, on top of what is below. */
function bars(
  periods: Period[],
  { key, below, top }: { key: keyof Period; below: (keyof Period)[]; top: number },
): string {
  return periods
    .map((period, index) => {
      const size = ((period[key] ?? 0) / top) * height;
      if (size === 0) return "";
      // Few among many are still to be seen.
      const shown = Math.max(size, 2);
      const base = height - (below.reduce((sum, other) => sum + (period[other] ?? 0), 0) / top) * height;
      const [x, y] = [index * periodWidth + gap / 2, Math.max(base, shown)];
      return `M${x} ${round(y)}v${round(-shown)}h${periodWidth - gap}v${round(shown)}z`;
    })
    .join("");
}

function Latencies({ periods, range }: { periods: Period[]; range: Range }) {
  const known = periods.flatMap(({ p50_ms, p99_ms }) => [p50_ms, p99_ms]).filter((ms) => ms !== null);
  const low = Math.floor(Math.log10(Math.max(Math.min(...known), 1)));
  const high = Math.max(Math.ceil(Math.log10(Math.max(...known, 1))), low + 1);
  const decades = Array.from({ length: high - low + 1 }, (_, index) => high - index);
  const worst = (key: (typeof shares)[number]["key"]) => Math.max(...periods.map((one) => one[key] ?? 0));
  const summary = shares.map(({ key, label }) => `${label.toLowerCase()} ${duration(worst(key))}`);
  return (
    <Figure
      title="Latency"
      range={range}
      scale={decades.map((decade) => duration(10 ** decade))}
      label={`How long attempts took in the ${ranges[range].name}. At worst, in ${ranges[range].period}: ${summary.join(", ")}.`}
      legend={shares.map(({ key, label }) => (
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
      {shares.map(({ key }) => (
        <path class={`line ${key}`} d={steps(periods.map((period) => period[key]))} />
      ))}
    </Figure>
  );

  function y(log: number): number {
    return round(height - ((log - low) / (high - low)) * height);
  }

  /** One path with a step for each period; a gap where nothing was sent. */
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

/** A chart with its scale, its time and its legend. @param props.scale from top to bottom, evenly spaced. */
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

function FiguresTable({ periods, range }: { periods: Period[]; range: Range }) {
  return (
    <Table
      label={`Attempts and latencies of the ${ranges[range].name}`}
      columns={["From (UTC)", ...[...outcomes, ...shares].map(({ label }) => ({ label, number: true }))]}
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
            {shares.map(({ key, label }) => (
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
