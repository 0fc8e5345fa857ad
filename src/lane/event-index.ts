/**
 * An index that finds deliveries by their events' uuids. An index of SQLite would write a row for every delivery. Here,
 * one row contains the hashes of many uuids, in the order of their sequence numbers. Deliveries after the last such row
 * are scanned.
 */
import type { DayTables } from "./day-tables";

/** Deliveries per row of the index, and so the most deliveries that are scanned. */
const chunkSize = 512;
/** The most rows of the index that one hand-over writes: more than one only if the index lags behind. */
const chunksPerCall = 2;

/** The index of one lane. */
export class EventIndex {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;
  /** The first chunk that is not in the index; undefined: not read yet. */
  #next: number | undefined;

  constructor(sql: SqlStorage, days: DayTables) {
    this.#sql = sql;
    this.#days = days;
    // Chunk n has the sequence numbers from n × 512 on; 0 stands for a missing delivery.
    sql.exec("CREATE TABLE IF NOT EXISTS event_index (chunk INTEGER PRIMARY KEY, hashes BLOB NOT NULL)");
  }

  /** Reads the end of the index again, after a transaction was rolled back. */
  reload(): void {
    this.#next = undefined;
  }

  /**
   * Indexes deliveries up to this sequence number that fill whole chunks, at most `chunksMax`. A lane of an earlier
   * version has no index at first: hand-overs and the daily maintenance build it, and until then the rest is scanned.
   * @returns whether there is more to index.
   */
  extend(lastSequence: number, chunksMax = chunksPerCall): boolean {
    for (let count = 0; this.#isFull(lastSequence); count++) {
      if (count === chunksMax) return true;
      const chunk = this.#nextChunk();
      this.#sql.exec("INSERT INTO event_index VALUES (?, ?)", chunk, this.#hashesOf(chunk));
      this.#next = chunk + 1;
    }
    return false;
  }

  #isFull(lastSequence: number): boolean {
    return lastSequence >= (this.#nextChunk() + 1) * chunkSize - 1;
  }

  /**
   * @returns the sequence numbers, by event uuid, of the deliveries of these events between `from` and `to`
   *   (inclusive).
   */
  find(eventUuids: readonly string[], { from, to }: { from: number; to: number }): Map<string, number> {
    const found = new Map<string, number>();
    if (from > to) return found;
    const indexedTo = Math.min(to, this.#nextChunk() * chunkSize - 1);
    for (const sequence of this.#candidates(new Set(eventUuids.map(hashOf)), { from, to: indexedTo })) {
      const uuid = this.#eventOf(sequence);
      if (uuid !== null && eventUuids.includes(uuid)) found.set(uuid, sequence);
    }
    if (indexedTo >= to) return found;
    const unindexedFrom = Math.max(from, indexedTo + 1);
    const sought = JSON.stringify(eventUuids);
    for (const table of this.#days.from(unindexedFrom)) {
      const rows = this.#sql.exec<{ event_uuid: string; sequence: number }>(
        `SELECT event_uuid, sequence FROM ${table}
         WHERE sequence BETWEEN ? AND ? AND event_uuid IN (SELECT value FROM json_each(?))`,
        unindexedFrom,
        to,
        sought,
      );
      for (const row of rows) found.set(row.event_uuid, row.sequence);
    }
    return found;
  }

  /** Removes the index of deliveries before a sequence number, which were pruned. */
  forgetBefore(sequence: number): void {
    this.#sql.exec("DELETE FROM event_index WHERE chunk < ?", Math.floor(sequence / chunkSize));
  }

  /** @returns the sequence numbers between `from` and `to` (inclusive) whose events have one of these hashes. */
  *#candidates(hashes: ReadonlySet<number>, { from, to }: { from: number; to: number }): Generator<number> {
    if (from > to) return;
    const chunks = this.#sql
      .exec<{ chunk: number; hashes: ArrayBuffer }>(
        "SELECT chunk, hashes FROM event_index WHERE chunk BETWEEN ? AND ?",
        Math.floor(from / chunkSize),
        Math.floor(to / chunkSize),
      )
      .toArray();
    for (const { chunk, hashes: stored } of chunks) {
      for (const [place, hash] of new Uint32Array(stored).entries()) {
        const sequence = chunk * chunkSize + place;
        if (sequence >= from && sequence <= to && hashes.has(hash)) yield sequence;
      }
    }
  }

  /** @returns the first chunk to index. Deliveries that were pruned before they were indexed need no index. */
  #nextChunk(): number {
    this.#next ??= this.#readNextChunk();
    const oldest = this.#days.all[0]?.firstSequence ?? 0;
    return Math.max(this.#next, Math.floor(oldest / chunkSize));
  }

  #readNextChunk(): number {
    const query = "SELECT max(chunk) AS last FROM event_index";
    const { last } = this.#sql.exec<{ last: number | null }>(query).one();
    return last === null ? 0 : last + 1;
  }

  #hashesOf(chunk: number): ArrayBuffer {
    const hashes = new Uint32Array(chunkSize);
    const [from, to] = [chunk * chunkSize, (chunk + 1) * chunkSize - 1];
    for (const table of this.#days.from(from)) {
      const rows = this.#sql.exec<{ sequence: number; event_uuid: string }>(
        `SELECT sequence, event_uuid FROM ${table} WHERE sequence BETWEEN ? AND ?`,
        from,
        to,
      );
      for (const row of rows) hashes[row.sequence - from] = hashOf(row.event_uuid);
    }
    return hashes.buffer;
  }

  #eventOf(sequence: number): string | null {
    const table = this.#days.of(sequence);
    if (table === null) return null;
    const [row] = this.#sql
      .exec<{ event_uuid: string }>(`SELECT event_uuid FROM ${table} WHERE sequence = ?`, sequence)
      .toArray();
    return row?.event_uuid ?? null;
  }
}

/** @returns a hash (FNV-1a, 32 bits), never 0. A collision costs one row read. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0 || 1;
}
