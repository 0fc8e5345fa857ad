/** Suggestions for mistyped event types. */
import { orchestEventTypes } from "./types";

const suggestionsMax = 3;

/** Longer names get no suggestions, as the edit distance takes time proportional to the length. */
const nameCharactersMax = 200;

/**
 * @param name an unknown event type.
 * @returns up to three of Orchest's event types, most similar first: those that start with `name`, otherwise those whose
 *   edit distance is less than half of the shorter name's length.
 */
export function similarTypes(name: string): string[] {
  if (name === "" || name.length > nameCharactersMax) return [];
  const completions = orchestEventTypes.filter((type) => type.startsWith(name));
  if (completions.length > 0) return completions.slice(0, suggestionsMax);

  return orchestEventTypes
    .map((type) => ({ type, distance: editDistance(name, type) }))
    .filter(({ type, distance }) => distance < Math.min(name.length, type.length) / 2)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, suggestionsMax)
    .map(({ type }) => type);
}

/** The Levenshtein distance: how many characters to insert, delete or replace. Computed row by row. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 0; line < from.length; line++) {
    const next = [line + 1];
    for (let column = 0; column < to.length; column++) {
      const replaced = (row[column] ?? 0) + (from[line] === to[column] ? 0 : 1);
      const inserted = (next[column] ?? 0) + 1;
      const deleted = (row[column + 1] ?? 0) + 1;
      next.push(Math.min(replaced, inserted, deleted));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
