/** The figures of a case, as they are printed and written to `results.json`. */

/** `ratio` is `value` ÷ `limit`. `goal` bounds the ratio: from below where `better` is "higher", else from above. */
export type Figure = {
  value: number;
  limit: number;
  ratio: number;
  goal: number | null;
  better: "higher" | "lower";
  unit: string;
  /** What the limit is, in a few words. */
  against: string;
};

/** A case's figures: the first one is the case's own, named like it; the others stand beside it for the record. */
export type Figures = Record<string, Figure>;

export function figure(parts: Omit<Figure, "ratio">): Figure {
  return { ...parts, ratio: parts.value / parts.limit };
}

export function isMet({ ratio, goal, better }: Figure): boolean {
  if (goal === null) return true;
  return better === "higher" ? ratio >= goal : ratio <= goal;
}
