/** What a million deliveries would cost, from what a few hundred have used. */
import { price } from "./prices.ts";
import type { Usage } from "./usage.ts";

/** One line of the bill. `goal` in dollars; null where there is none. */
export type BillLine = { case: string; dollars: number; goal: number | null; largest: string };

const million = 1e6;

/** @param line.used by `deliveries` deliveries together. */
export function billLine(line: {
  case: string;
  used: Usage;
  deliveries: number;
  goal: number | null;
}): BillLine {
  const { used, deliveries, goal } = line;
  const perMillion = (dollars: number) => (dollars * million) / deliveries;
  const items = price(used);
  const [largest] = items;
  return {
    case: line.case,
    dollars: perMillion(items.reduce((sum, item) => sum + item.dollars, 0)),
    goal,
    largest: largest === undefined ? "" : `${largest.name}: $${perMillion(largest.dollars).toFixed(2)}`,
  };
}
