/**
 * Finds deliveries by their events. An index in SQLite would write a row for every delivery; here one row holds the hashes
 * of many event uuids, in the order of their sequences. What came after the last such row is looked through.
 */
import type { DayTables } from "./day-tables";

/** Deliveries per row of the index: as many are looked through at most for what came last. */
const chunkSize = 512;
/** How many rows of the index one hand-over writes at most: more than one only where the index lags behind. */
const chunksPerCall = 2;

export class EventIndex {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;
  /** The first chunk that is not in the index, or undefined: to be read. */
  #next: number | undefined;

  constructor(sql: SqlStorage, days: DayTables) {
    this.#sql = sql;
    this.#days = days;
    // Chunk n holds the sequences from n × 512 on; 0 stands where there is no delivery.
    sql.exec("CREATE TABLE IF NOT EXISTS event_index (chunk INTEGER PRIMARY KEY, hashes BLOB NOT NULL)");
  }

  /** Reads anew how far the index reaches, after a transaction was undone. */
  reload(): void {
    this.#next = undefined;
  }

  /**
   * Indexes what was accepted, up to this sequence, as far as it fills chunks: so many at most. A lane of an earlier version
   * has no index at first, and gets it with its next hand-overs and its daily maintenance: until then what lacks is looked
   * through.
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

  /** @returns the sequences of those of these events that have deliveries from `from` to `to`, by their uuids. */
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

  /** Forgets what lies before a sequence: it was pruned. */
  forgetBefore(sequence: number): void {
    this.#sql.exec("DELETE FROM event_index WHERE chunk < ?", Math.floor(sequence / chunkSize));
  }

  /** The sequences between these two, both included, whose events have one of these hashes. */
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

  /** What was pruned before it was indexed needs no index. */
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

/** FNV-1a, 32 bits, never 0. A collision costs one row read. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0 || 1;
}
