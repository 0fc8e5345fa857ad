/** Cloudflare's price list for Workers Paid, beyond what the plan includes (developers.cloudflare.com, November 2026). */
import type { Usage } from "./usage.ts";

/** Dollars per unit. Rows cost the same in D1 and in Durable Objects; a lane has 128 MB. */
const prices: Record<keyof Usage, number> = {
  workerRequests: 0.3e-6,
  workerCpuMs: 0.02e-6,
  laneRequests: 0.15e-6,
  laneAwakeMs: 1.6e-9,
  laneRowsWritten: 1e-6,
  laneRowsRead: 1e-9,
  d1RowsWritten: 1e-6,
  d1RowsRead: 1e-9,
  queueMessages: 1.2e-6,
};

const names: Record<keyof Usage, string> = {
  workerRequests: "Worker requests",
  workerCpuMs: "Worker CPU",
  laneRequests: "lane requests",
  laneAwakeMs: "lane duration",
  laneRowsWritten: "rows written by lanes",
  laneRowsRead: "rows read by lanes",
  d1RowsWritten: "rows written in D1",
  d1RowsRead: "rows read in D1",
  queueMessages: "queue messages",
};

/** @returns the items in dollars, the largest first. */
export function price(usage: Usage): { name: string; dollars: number; amount: number }[] {
  const meters = Object.keys(prices) as (keyof Usage)[];
  return meters
    .map((meter) => ({ name: names[meter], dollars: usage[meter] * prices[meter], amount: usage[meter] }))
    .toSorted((a, b) => b.dollars - a.dollars);
}
