/** Merging the pages of several sources of events, each of which is in order of acceptance, into one page. */

/** An item of a source, with its id there. `at`: when it was accepted, in ms; `place`: where in its request it stood. */
type Placed<Item> = { id: number; at: number; place: number; item: Item };

/**
 * The next items of a source. `next`: the cursor behind all that was looked at; null: that is the end. `coveredTo`: until which
 * time of acceptance (ms) all its items are here; of no meaning at the end.
 */
export type SourcePage<Item> = { items: Placed<Item>[]; next: number | null; coveredTo: number };

/** What of it was taken, and where each source goes on; null: it is at its end. */
export type Merged<Item> = { items: Item[]; cursors: (number | null)[] };

/**
 * Takes the first items, in the order of their acceptance: none that might come behind one that was not read yet.
 * @param pages of each source, in which items are in order. @param options.before for each source the cursor that its page began at.
 * @param options.order `newest` or `oldest` first.
 */
export function mergePages<Item>(
  pages: readonly SourcePage<Item>[],
  { limit, order, before }: { limit: number; order: "newest" | "oldest"; before: readonly (number | null)[] },
): Merged<Item> {
  const sign = order === "newest" ? 1 : -1;
  const unfinished = pages.filter(({ next }) => next !== null);
  // The source that was looked through the least far in time decides.
  const reached = Math.max(...unfinished.map(({ coveredTo }) => sign * coveredTo));
  const taken = pages
    .flatMap(({ items }, source) => items.map((placed) => ({ source, ...placed })))
    .filter(({ at }) => sign * at >= reached)
    .toSorted((a, b) => sign * (b.at - a.at || b.place - a.place) || a.source - b.source)
    .slice(0, limit);
  const cursors = pages.map(({ items, next }, source) => {
    const own = taken.filter((one) => one.source === source);
    if (own.length === items.length) return next;
    return own.at(-1)?.id ?? before[source] ?? null;
  });
  return { items: taken.map(({ item }) => item), cursors };
}
