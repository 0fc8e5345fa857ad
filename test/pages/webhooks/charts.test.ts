import { beforeEach, describe, expect, it } from "vitest";
import type { Bucket } from "../../../src/lane/stats";
import { Charts } from "../../../src/pages/webhooks/charts";
import { periodsOf, tablePeriodsOf } from "../../../src/pages/webhooks/periods";
import { passTime, stopClock } from "../../clock";
import { makeListener } from "../../event";
import { receiver } from "../../receiver";
import { get } from "../page";
import { deliver, reader } from "./people";

const minuteMs = 60_000;
const now = Date.UTC(2026, 10, 5, 12, 10);

/** A bucket that began so long ago. Its attempts took about 16 ms. */
function bucket(minutesAgo: number, counts: Partial<Omit<Bucket, "start" | "latency">> = {}): Bucket {
  const { delivered = 0, failed = 0, dead = 0 } = counts;
  const latency = Array.from({ length: 17 }, (_, index) => (index === 16 ? delivered + failed : 0));
  return { start: now - minutesAgo * minuteMs, delivered, failed, dead, latency };
}

describe("a history in periods", () => {
  it("is a day of half hours, the one under way last", () => {
    const periods = periodsOf([bucket(5, { delivered: 2 }), bucket(15, { delivered: 3 })], "day", now);
    expect(periods).toHaveLength(48);
    expect(periods.at(-1)).toMatchObject({ start: Date.UTC(2026, 10, 5, 12), delivered: 2, attempts: 2 });
    expect(periods.at(-2)).toMatchObject({ start: Date.UTC(2026, 10, 5, 11, 30), delivered: 3, p50_ms: 16 });
    expect(periods[0]).toMatchObject({ start: Date.UTC(2026, 10, 4, 12, 30), attempts: 0, p50_ms: null });
  });

  it("is an hour of five minutes", () => {
    const periods = periodsOf([bucket(0, { delivered: 1 }), bucket(5, { delivered: 2 })], "hour", now);
    expect(periods.map(({ delivered }) => delivered)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1]);
  });

  it("tells failures that were followed by another attempt from deliveries that were given up", () => {
    const [period] = periodsOf([bucket(0, { failed: 5, dead: 2 })], "hour", now).slice(-1);
    expect(period).toMatchObject({ delivered: 0, retried: 3, dead: 2, attempts: 5 });
  });

  it("loses nothing on its way into a table of hours", () => {
    const history = Array.from({ length: 288 }, (_, index) => bucket(index * 5, { delivered: 1 }));
    const rows = tablePeriodsOf(history, "day", now);
    expect(rows).toHaveLength(24);
    // The day begins with a whole hour: what is older is not in the table.
    const shown = history.filter(({ start }) => start >= (rows[0]?.start ?? 0)).length;
    expect(rows.reduce((all, { delivered }) => all + delivered, 0)).toBe(shown);
  });
});

describe("the charts", () => {
  it("are small even when there is a whole day of everything", async () => {
    const history = Array.from({ length: 288 }, (_, index) =>
      bucket(index * 5, { delivered: 1000 + index, failed: 100 + index, dead: index }),
    );
    const html = String(await Charts({ history, range: "day", now }));
    const drawn = html.slice(0, html.indexOf("<details"));
    expect(drawn.length).toBeLessThan(8000);
    expect(html).not.toMatch(/NaN|Infinity|undefined|style=/);
  });

  it("draw a single attempt", async () => {
    const html = String(await Charts({ history: [bucket(0, { delivered: 1 })], range: "hour", now }));
    expect(html).toContain('class="bar delivered" d="M111 120v-120h8v120z"');
    expect(html).toContain("Peak: 1 in 5 minutes.");
  });

  it("show what is few beside what is many", async () => {
    const history = [bucket(0, { delivered: 100_000, failed: 1, dead: 1 })];
    const html = String(await Charts({ history, range: "hour", now }));
    expect(html).toMatch(/class="bar dead" d="M111 2v-2h8v2z"/);
  });
});

describe("the charts on a webhook's page", () => {
  beforeEach(stopClock);

  it("say what they show to those who cannot see them, and have it in a table", async () => {
    let status = 200;
    receiver(() => new Response("", { status }));
    const { uuid } = await makeListener();
    await deliver(uuid, "delivered");
    status = 503;
    await deliver(uuid, "failed");
    const { html } = await get(`/webhooks/${uuid}`, await reader());
    expect(html).toContain(
      'role="img" aria-label="Attempts in the last 24 hours: delivered 1; failed, retried 1; dead letters 0. Peak: 2 in 30 minutes."',
    );
    expect(html).toMatch(
      /role="img" aria-label="Latency of attempts in the last 24 hours\. Highest in 30 minutes: p50 \d/,
    );
    const table = html.slice(html.indexOf("chart-table"), html.indexOf("</table>"));
    expect(table).toContain('<th scope="row">');
    expect(table.match(/<tr>/g)).toHaveLength(2);
  });

  it("are of the last hour on demand", async () => {
    receiver();
    const { uuid } = await makeListener();
    await deliver(uuid, "delivered");
    passTime(2 * 3_600_000);
    const cookie = await reader();
    expect((await get(`/webhooks/${uuid}`, cookie)).html).toContain(
      "Attempts in the last 24 hours: delivered 1",
    );
    const { html } = await get(`/webhooks/${uuid}?range=hour`, cookie);
    expect(html).toContain("No attempts in the last hour.");
    expect(html).not.toContain('role="img"');
  });
});
