/** A lane's own tables, and what lanes write in rows: they are what it costs. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { routingSettled } from "../event";
import { laneOf } from "../lane";

/** The name of the table in which a lane's deliveries of the first day lie. */
export function deliveriesTable(sql: SqlStorage): string {
  return sql.exec<{ name: string }>("SELECT 'deliveries_' || min(day) AS name FROM days").one().name;
}

/**
 * Counts what all lanes write from now on: rows, and one for each alarm that is set. It counts on the prototypes, since a
 * lane that is evicted comes back with other objects, which no spy on the former ones would see. What the event shards
 * write because of the webhook's creation is not counted.
 * @param uuid of any webhook.
 * @returns how many rows so far. It throws once the spies are gone: what was written since then is unknown.
 */
export async function countRows(uuid: string): Promise<() => number> {
  await routingSettled();
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

/** How many deliveries a large lane has. */
export const size = Number(env.LANE_ROWS);

/**
 * Writes `size` deliveries behind those that a lane has, with columns made by SQL of the sequence `n`; their events are
 * `uuid 1`, `uuid 2` and so on. @param finished how many of them are.
 */
export async function fill(
  uuid: string,
  columns: { status: string; attempts: string; line: string; acceptedAt?: string },
  finished = 0,
): Promise<void> {
  await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    const table = deliveriesTable(sql);
    sql.exec(
      `INSERT INTO ${table} (sequence, status, attempts, accepted_at, event_uuid, event_type, line, event)
       WITH RECURSIVE numbers(n) AS (
         SELECT max(sequence) + 1 FROM ${table} UNION ALL SELECT n + 1 FROM numbers LIMIT ${size}
       )
       SELECT n, ${columns.status}, ${columns.attempts}, ${columns.acceptedAt ?? Date.now()}, 'uuid ' || n, 'project:created', ${columns.line}, '{}'
       FROM numbers`,
    );
    sql.exec(
      "UPDATE lane SET record = json_set(record, '$.counters.finished', json_extract(record, '$.counters.finished') + ?)",
      finished,
    );
  });
  await evictDurableObject(laneOf(uuid));
}

/** Counts the rows that a lane reads while it wakes and does something. */
export async function rowsRead(uuid: string, work: () => Promise<unknown>): Promise<number> {
  const cursors: { rowsRead: number }[] = [];
  const counting = await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    const prototype = Object.getPrototypeOf(sql) as SqlStorage;
    const exec = Reflect.get(prototype, "exec");
    return vi.spyOn(prototype, "exec").mockImplementation(function counted(
      this: SqlStorage,
      query: string,
      ...bindings: unknown[]
    ) {
      const cursor = exec.call(this, query, ...bindings);
      cursors.push(cursor);
      return cursor;
    });
  });
  await evictDurableObject(laneOf(uuid));
  await work();
  counting.mockRestore();
  const read = cursors.reduce((sum, cursor) => sum + cursor.rowsRead, 0);
  expect(read).toBeGreaterThan(0);
  return read;
}
