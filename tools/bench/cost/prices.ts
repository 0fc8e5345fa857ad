/** Cloudflare's price list for Workers Paid, beyond what the plan includes (developers.cloudflare.com, November 2026). */
import type { Usage } from "./usage.ts";

type Item = { name: string; dollars: number; amount: number };

/** Dollars per unit. Rows cost the same in D1 and in Durable Objects; an object has 128 MB. */
const object = { requests: 0.15e-6, awakeMs: 1.6e-9, rowsWritten: 1e-6, rowsRead: 1e-9 };

/** @returns the items in dollars, the largest first. */
export function price(usage: Usage): Item[] {
  const items: [string, number, number][] = [
    ["Worker requests", usage.workerRequests, 0.3e-6],
    ["Worker CPU", usage.workerCpuMs, 0.02e-6],
    ["rows written in D1", usage.d1RowsWritten, object.rowsWritten],
    ["rows read in D1", usage.d1RowsRead, object.rowsRead],
    ["queue messages", usage.queueMessages, 1.2e-6],
  ];
  for (const kind of ["lanes", "shards"] as const) {
    const used = usage[kind];
    items.push(
      [`requests of ${kind}`, used.requests, object.requests],
      [`duration of ${kind}`, used.awakeMs, object.awakeMs],
      [`rows written by ${kind}`, used.rowsWritten, object.rowsWritten],
      [`rows read by ${kind}`, used.rowsRead, object.rowsRead],
    );
  }
  return items
    .map(([name, amount, dollars]): Item => ({ name, amount, dollars: amount * dollars }))
    .toSorted((a, b) => b.dollars - a.dollars);
}
