/** Counting from inside what the gateway uses: rows, calls, alarms, messages, and how long an object is awake. */
import type { Metered } from "../cost/usage";

/** The environment with D1 and the queue counted in `meter`. */
export function meteredEnv(env: Env, meter: Metered): Env {
  const DB = meteredDatabase(env.DB, meter);
  const EVENTS = new Proxy(env.EVENTS, {
    get(queue, name) {
      if (name !== "send" && name !== "sendBatch") return Reflect.get(queue, name);
      const send = Reflect.get(queue, name).bind(queue) as (...values: unknown[]) => Promise<unknown>;
      return (messages: unknown, ...options: unknown[]) => {
        meter.queueMessages += name === "send" ? 1 : (messages as unknown[]).length;
        return send(messages, ...options);
      };
    },
  });
  return { ...env, DB, EVENTS };
}

function meteredDatabase(db: D1Database, meter: Metered): D1Database {
  const count = <Row>(result: D1Result<Row>): D1Result<Row> => {
    meter.d1RowsWritten += result.meta.rows_written;
    meter.d1RowsRead += result.meta.rows_read;
    return result;
  };
  const bare = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const metered = (statement: D1PreparedStatement): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get(target, name) {
        switch (name) {
          case "bind":
            return (...values: unknown[]) => metered(target.bind(...values));
          case "run":
          case "all":
            return async () => count(await target.all());
          case "first":
            return async (column?: string) => {
              const [row] = count(await target.all()).results;
              return row === undefined ? null : column === undefined ? row : row[column];
            };
          default: {
            const value: unknown = Reflect.get(target, name);
            return typeof value === "function" ? value.bind(target) : value;
          }
        }
      },
    });
    bare.set(proxy, statement);
    return proxy;
  };
  return new Proxy(db, {
    get(target, name) {
      switch (name) {
        case "prepare":
          return (query: string) => metered(target.prepare(query));
        case "batch":
          return async (statements: D1PreparedStatement[]) =>
            (await target.batch(statements.map((statement) => bare.get(statement) ?? statement))).map(count);
        default: {
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        }
      }
    },
  });
}

/** Counts what an object's storage writes and reads, from now on: a row for each alarm that is set, too. */
export function meterStorage(storage: DurableObjectStorage, meter: Metered): void {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  sql.exec = ((query: string, ...values: unknown[]) => {
    const cursor = exec(query, ...values);
    meter.rowsWritten += cursor.rowsWritten;
    // Most are read through at once: what a cursor reads later is not counted, and costs next to nothing.
    meter.rowsRead += cursor.rowsRead;
    return cursor;
  }) as SqlStorage["exec"];
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (time, options) => {
    meter.rowsWritten += 1;
    return setAlarm(time, options);
  };
}

/** For how long anything ran at all: overlapping work counts once. */
export class Awake {
  readonly #meter: Metered;
  #running = 0;
  #sinceMs = 0;

  constructor(meter: Metered) {
    this.#meter = meter;
  }

  async during<Result>(work: Promise<Result>): Promise<Result> {
    if (this.#running === 0) this.#sinceMs = Date.now();
    this.#running += 1;
    try {
      return await work;
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#meter.awakeMs += Date.now() - this.#sinceMs;
    }
  }
}
