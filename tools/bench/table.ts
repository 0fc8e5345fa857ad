/** Printing: a table of figures, and one of bills. */
import type { BillLine } from "./cost/bill.ts";
import { type Figures, isMet } from "./figures.ts";

export function figuresTable(figures: Figures): string {
  const rows = Object.entries(figures).map(([name, figure]) => [
    name,
    `${short(figure.value)} ${figure.unit}`,
    `${short(figure.limit)} (${figure.against})`,
    short(figure.ratio),
    figure.goal === null ? "" : `${figure.better === "higher" ? "≥" : "≤"} ${figure.goal}`,
    figure.goal === null ? "" : isMet(figure) ? "met" : "missed",
  ]);
  return table(["case", "value", "against", "ratio", "goal", ""], rows);
}

export function billTable(bill: readonly BillLine[]): string {
  const rows = bill.map((line) => [
    line.case,
    `$${line.dollars.toFixed(2)}`,
    line.goal === null ? "" : `≤ $${line.goal.toFixed(2)}`,
    line.goal === null ? "" : line.dollars <= line.goal ? "met" : "missed",
    line.largest,
  ]);
  return table(["per million deliveries", "dollars", "goal", "", "largest item"], rows);
}

function table(head: string[], rows: string[][]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
