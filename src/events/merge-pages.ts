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

/** What comes next of a source: an item, or the end of its page (`placed` is null), behind which there are more. */
type Head<Item> = { source: number; at: number; place: number; placed: Placed<Item> | null };

/**
 * Merges the first items by time of acceptance and place. The items of a source keep its order, because its cursor can
 * only follow that. The page ends where an item that was not read yet might come next.
 * @param pages one per source, with items in order. @param options.before the cursor of each source at which its page
 *   began.
 * @param options.order `newest` or `oldest` first.
 */
export function mergePages<Item>(
  pages: readonly SourcePage<Item>[],
  { limit, order, before }: { limit: number; order: "newest" | "oldest"; before: readonly (number | null)[] },
): Merged<Item> {
  const sign = order === "newest" ? -1 : 1;
  const taken: Placed<Item>[][] = pages.map(() => []);
  const items: Item[] = [];
  while (items.length < limit) {
    const first = firstOf(pages.flatMap(headOf));
    if (first === undefined || first.placed === null) break;
    taken[first.source]?.push(first.placed);
    items.push(first.placed.item);
  }
  const cursors = pages.map(({ items: own, next }, source) => {
    const last = taken[source]?.at(-1);
    if (last === own.at(-1)) return next;
    return last?.id ?? before[source] ?? null;
  });
  return { items, cursors };

  function headOf({ items: own, next, coveredTo }: SourcePage<Item>, source: number): Head<Item>[] {
    const placed = own[taken[source]?.length ?? 0];
    if (placed !== undefined) return [{ source, at: placed.at, place: placed.place, placed }];
    return next === null
      ? []
      : [{ source, at: coveredTo, place: -sign * Number.POSITIVE_INFINITY, placed: null }];
  }

  function firstOf(heads: readonly Head<Item>[]): Head<Item> | undefined {
    const comesBefore = (a: Head<Item>, b: Head<Item>): boolean =>
      sign * (a.at - b.at || a.place - b.place) < 0;
    let [first] = heads;
    for (const head of heads) if (first !== undefined && comesBefore(head, first)) first = head;
    return first;
  }
}
