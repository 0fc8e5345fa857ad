/** A lane's own tables, and what lanes write in rows: they are what it costs. */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import { laneOf } from "../lane";

/** The name of the table in which a lane's deliveries of the first day lie. */
export function deliveriesTable(sql: SqlStorage): string {
  return sql.exec<{ name: string }>("SELECT 'deliveries_' || min(day) AS name FROM days").one().name;
}

/**
 * Counts what all lanes write from now on: rows, and one for each alarm that is set. It counts on the prototypes, since a
 * lane that is evicted comes back with other objects, which no spy on the former ones would see.
 * @param uuid of any webhook.
 * @returns how many rows so far. It throws once the spies are gone: what was written since then is unknown.
 */
export async function countRows(uuid: string): Promise<() => number> {
  let rows = 0;
  const spies = await runInDurableObject(laneOf(uuid), (_, { storage }) => {
    const sql = Object.getPrototypeOf(storage.sql) as SqlStorage;
    const exec: SqlStorage["exec"] = Reflect.get(sql, "exec");
    const execSpy = vi.spyOn(sql, "exec").mockImplementation(function (
      this: SqlStorage,
      query: string,
      ...bindings: unknown[]
    ) {
      const cursor = exec.call(this, query, ...bindings);
      rows += cursor.rowsWritten;
      return cursor;
    });
    const alarms = Object.getPrototypeOf(storage) as DurableObjectStorage;
    const setAlarm: DurableObjectStorage["setAlarm"] = Reflect.get(alarms, "setAlarm");
    const alarmSpy = vi.spyOn(alarms, "setAlarm").mockImplementation(function (
      this: DurableObjectStorage,
      time,
    ) {
      rows += 1;
      return setAlarm.call(this, time);
    });
    const areThere = () =>
      Reflect.get(sql, "exec") === execSpy && Reflect.get(alarms, "setAlarm") === alarmSpy;
    return { areThere };
  });
  return () => {
    if (!spies.areThere())
      throw new Error("The spies that count rows are gone: nothing is known of what was written.");
    return rows;
  };
}
