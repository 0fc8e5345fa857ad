/** `results.json`: what the latest run of each case gave. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BillLine } from "./cost/bill.ts";
import type { Figures } from "./figures.ts";

const file = join(import.meta.dirname, "results.json");

/** Replaces the figures that are given; what did not run stays. Numbers are cut to four digits. */
export function writeResults(results: { figures?: Figures; bill?: BillLine[] }): void {
  const kept: Record<string, unknown> = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const { bill = kept["bill"] } = results;
  delete kept["bill"];
  const figures = Object.entries(results.figures ?? {}).map(([name, { value, limit, ratio, goal }]) => [
    name,
    { value, limit, ratio, goal },
  ]);
  const all = { ...kept, ...Object.fromEntries(figures), ...(bill !== undefined && { bill }) };
  writeFileSync(file, `${JSON.stringify(all, short, 2)}\n`);
}

function short(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}
