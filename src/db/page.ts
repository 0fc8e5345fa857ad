/** Pages of a table by id: one row more than asked for is read, to know whether there is a next one. */

/** `next`: the id before the next page, null at the end. */
export type Page<Row> = { rows: Row[]; next: number | null };

/** @param rows up to `limit` + 1, in order. */
export function pageOf<Row extends { id: number }>(rows: Row[], limit: number): Page<Row> {
  const page = rows.slice(0, limit);
  return { rows: page, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}
