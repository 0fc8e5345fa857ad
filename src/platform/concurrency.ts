/** Running tasks concurrently, with a limit. */

/**
 * Runs `task` for every item, at most `limit` at once, and waits for all of them. Each of `limit` workers stops at its
 * first failure, and the others continue with the remaining items.
 * @throws the first failure, after all workers have stopped.
 */
export async function forEachConcurrent<Item>(
  limit: number,
  items: readonly Item[],
  task: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await task(item);
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** As `Promise.all`, but nothing goes on behind it: it waits for all of them, also where one fails. */
export async function awaitAll<Result>(work: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
