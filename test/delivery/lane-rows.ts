/** A lane's own tables, and what it writes in rows: they are what it costs. */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import { laneOf } from "../lane";

/** The name of the table in which a lane's deliveries of the first day lie. */
export function deliveriesTable(sql: SqlStorage): string {
  return sql.exec<{ name: string }>("SELECT 'deliveries_' || min(day) AS name FROM days").one().name;
}

/** Counts what a lane writes from now on: rows, and one for each alarm that is set. Holds until the lane is evicted. */
export async function countRows(uuid: string): Promise<() => number> {
  let rows = 0;
  await runInDurableObject(laneOf(uuid), (_, { storage }) => {
    const { sql } = storage;
    const exec = sql.exec.bind(sql);
    vi.spyOn(sql, "exec").mockImplementation((query: string, ...bindings: unknown[]) => {
      const cursor = exec(query, ...bindings);
      rows += cursor.rowsWritten;
      return cursor;
    });
    const setAlarm = storage.setAlarm.bind(storage);
    vi.spyOn(storage, "setAlarm").mockImplementation((time) => {
      rows += 1;
      return setAlarm(time);
    });
  });
  return () => rows;
}
