/**
 * Notes of accepted events that a search by the time of their first acceptance would not find, mostly possible repeats.
 * There is one table per day, so that removing them writes no rows.
 */

const tablePrefix = "taken_as_repeat_";

/** The notes of one lane. */
export class RepeatNotes {
  readonly #sql: SqlStorage;
  /** The days that have a table, oldest first. */
  #days: number[];

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    adoptSingleTable(sql);
    this.#days = this.#read();
  }

  /** Reads the list of tables again, after a transaction was rolled back. */
  reload(): void {
    this.#days = this.#read();
  }

  /** Notes the delivery of an event. @param day of the table with the delivery. */
  add(day: number, eventUuid: string, sequence: number): void {
    if (!this.#days.includes(day)) {
      this.#sql.exec(
        `CREATE TABLE ${tablePrefix}${day} (event_uuid TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID`,
      );
      this.#days.push(day);
    }
    this.#sql.exec(`INSERT OR REPLACE INTO ${tablePrefix}${day} VALUES (?, ?)`, eventUuid, sequence);
  }

  /** @returns the sequence numbers of the noted ones among these events, by uuid. */
  find(eventUuids: readonly string[]): Map<string, number> {
    const found = new Map<string, number>();
    if (eventUuids.length === 0 || this.#days.length === 0) return found;
    const sought = JSON.stringify(eventUuids);
    for (const day of this.#days) {
      const rows = this.#sql.exec<{ event_uuid: string; sequence: number }>(
        `SELECT event_uuid, sequence FROM json_each(?) AS sought
         CROSS JOIN ${tablePrefix}${day} ON event_uuid = sought.value`,
        sought,
      );
      for (const row of rows) found.set(row.event_uuid, row.sequence);
    }
    return found;
  }

  /** Removes the notes of events whose deliveries were removed. */
  forget(eventUuids: readonly string[]): void {
    for (const day of this.#days) {
      this.#sql.exec(
        `DELETE FROM ${tablePrefix}${day} WHERE event_uuid IN (SELECT value FROM json_each(?))`,
        JSON.stringify(eventUuids),
      );
    }
  }

  /** Removes the notes of a day whose deliveries were removed. */
  dropDay(day: number): void {
    if (!this.#days.includes(day)) return;
    this.#sql.exec(`DROP TABLE ${tablePrefix}${day}`);
    this.#days = this.#days.filter((one) => one !== day);
  }

  #read(): number[] {
    return this.#sql
      .exec<{ name: string }>(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '${tablePrefix}[0-9]*'`,
      )
      .toArray()
      .map(({ name }) => Number(name.slice(tablePrefix.length)))
      .toSorted((a, b) => a - b);
  }
}

/** Up to schema version 2 there was a single table. It becomes the table of the newest day. */
function adoptSingleTable(sql: SqlStorage): void {
  const single = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'taken_as_repeat'";
  if (sql.exec(single).toArray().length === 0) return;
  const { day } = sql.exec<{ day: number | null }>("SELECT max(day) AS day FROM days").one();
  if (day === null) sql.exec("DROP TABLE taken_as_repeat");
  else sql.exec(`ALTER TABLE taken_as_repeat RENAME TO ${tablePrefix}${day}`);
}
