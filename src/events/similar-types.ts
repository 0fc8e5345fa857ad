/** Which event types a mistyped one may have meant. */
import { orchestEventTypes } from "./types";

const suggestionsMax = 3;

/** Names longer than this are no typing mistake, and comparing them would only cost time. */
const nameCharactersMax = 200;

/**
 * @param name An unknown event type.
 * @returns up to three known ones, closest first: those that begin with it, else those that differ in less
 * than half of its characters. Empty when nothing is near.
 */
export function similarTypes(name: string): string[] {
  if (name === "" || name.length > nameCharactersMax) return [];
  const begun = orchestEventTypes.filter((type) => type.startsWith(name));
  if (begun.length > 0) return begun.slice(0, suggestionsMax);

  return orchestEventTypes
    .map((type) => ({ type, distance: editDistance(name, type) }))
    .filter(({ type, distance }) => distance < Math.min(name.length, type.length) / 2)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, suggestionsMax)
    .map(({ type }) => type);
}

/** Levenshtein's distance: how many characters to insert, delete or replace. One row of its table at a time. */
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
