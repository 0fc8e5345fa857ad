/** Keyset pagination by id: a query reads one row more than the limit, which shows whether there is a next page. */

/** A page of rows. `next`: the id of its last row, to pass as `before` or `after` for the next page; null at the end. */
export type Page<Row> = { rows: Row[]; next: number | null };

/** @param rows up to `limit` + 1 rows, in the order of the list. @returns the first `limit` of them as a page. */
export function pageOf<Row extends { id: number }>(rows: Row[], limit: number): Page<Row> {
  const page = rows.slice(0, limit);
  return { rows: page, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}
