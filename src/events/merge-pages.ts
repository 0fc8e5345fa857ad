/** Merges pages of several sources of events into one page. Each source is in order of acceptance. */

/**
 * An item of a source, with its id in that source. `at`: when it was accepted, in ms. `place`: its place in its
 * request.
 */
type Placed<Item> = { id: number; at: number; place: number; item: Item };

/**
 * The next items of a source. `next`: the cursor after the scanned items; null at the end. `coveredTo`: the time of
 * acceptance (ms) up to which the page has all items of the source; it has no meaning at the end.
 */
export type SourcePage<Item> = { items: Placed<Item>[]; next: number | null; coveredTo: number };

/** The merged items, and the cursor at which each source continues; null at its end. */
export type Merged<Item> = { items: Item[]; cursors: (number | null)[] };

/**
 * Merges the first items, in order of acceptance. Items are left out if an item that was not read yet might come before
 * them.
 * @param pages one per source, with items in order. @param options.before the cursor of each source at which its page
 *   began.
 * @param options.order `newest` or `oldest` first.
 */
export function mergePages<Item>(
  pages: readonly SourcePage<Item>[],
  { limit, order, before }: { limit: number; order: "newest" | "oldest"; before: readonly (number | null)[] },
): Merged<Item> {
  const sign = order === "newest" ? 1 : -1;
  const unfinished = pages.filter(({ next }) => next !== null);
  // The source that was scanned the least far in time is the limit.
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
