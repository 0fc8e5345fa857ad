/**
 * The uuids of all events but the newest, packed (`uuid-pages.ts`) in runs, like the levels of a log-structured merge tree.
 * A run of level 0 is one page of events that were packed together. Sixteen runs of a level are merged into one run of the
 * next level, page by page. A run has 16 ** level pages, among which its uuids are divided by their hash, so that a search
 * looks at one page of each run. There are about 30 runs for a million events, and 60 for 250 million. The filters of levels
 * 0 and 1 are kept in memory (2.5 MB at most); for each run of a higher level, a search reads one row with a filter.
 */
import type { UuidWords } from "./uuid-hash";
import {
  bitsOf,
  filterOf,
  findInPage,
  mayHold,
  packPage,
  pageOf,
  pagesPerStep,
  type SeenEvent,
  type SeenUuid,
  unpackPage,
} from "./uuid-pages";

/**
 * `next_page`: in a run that is the target of a merge, the page of its sources that is merged next; else null.
 * `merges_into`: in a source of a merge, the number of the target.
 */
type Run = {
  run: number;
  level: number;
  newest_id: number;
  next_page: number | null;
  merges_into: number | null;
};

/** This many runs of a level are merged. */
const runsMax = 16;
const cachedLevelMax = 1;
/** Enough for 268 million events, more than a shard can hold. */
const levelMax = 4;
/** The key of a page is its run's number times this, plus its own number. The highest level has fewer pages. */
const keysPerRun = 2 ** 20;
/** How many pages one step removes. */
const removedMax = 64;

/** The entries after a key. `key`: of the last page that was read. */
type EntriesBehind = { entries: SeenUuid[]; key: number; isEnd: boolean };

/** Stored in two tables: runs, and pages with their filters. Changes must be made in a transaction. */
export class UuidRuns {
  readonly #sql: SqlStorage;
  readonly #runsTable: string;
  readonly #pagesTable: string;
  #runs: Run[];
  /** The filters in memory, by key; undefined before the first search. */
  #cached: Map<number, Uint32Array> | undefined;

  /** @param prefix of the names of its tables. */
  constructor(sql: SqlStorage, prefix = "") {
    this.#sql = sql;
    [this.#runsTable, this.#pagesTable] = [`${prefix}uuid_runs`, `${prefix}uuid_pages`];
    this.#makeTables();
    this.#runs = sql.exec<Run>(`SELECT * FROM ${this.#runsTable} ORDER BY run`).toArray();
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0;
  }

  /** Removes everything. Dropped tables count as no rows written. */
  clear(): void {
    this.#sql.exec(`DROP TABLE ${this.#runsTable}; DROP TABLE ${this.#pagesTable}`);
    this.#makeTables();
    this.#runs = [];
    this.#cached = undefined;
  }

  /** Writes two rows. @param entries in order of id. */
  add(entries: readonly SeenUuid[]): void {
    const newest = entries.at(-1);
    if (newest === undefined) return;
    const run = this.#addRun({ level: 0, newest_id: newest.id, next_page: null });
    this.#writePage(run, 0, entries);
  }

  /** @returns the newest entry of each uuid, or null. Reads a row for each page whose filter matches, and the filters of high levels. */
  find(uuids: readonly UuidWords[]): (SeenEvent | null)[] {
    if (this.#runs.length === 0) return uuids.map(() => null);
    const cached = (this.#cached ??= this.#readCached());
    const stored = this.#readFilters(uuids);
    return uuids.map((words) => {
      const bits = bitsOf(words);
      let newest: SeenEvent | null = null;
      for (const run of this.#runs) {
        const key = keyOf(run, pageOf(words, run.level));
        const filter = cached.get(key) ?? stored.get(key);
        if (filter === undefined || !mayHold(filter, bits)) continue;
        const found = findInPage(this.#readPage(key), words);
        if (found !== null && found.id > (newest?.id ?? 0)) newest = found;
      }
      return newest;
    });
  }

  /**
   * Reads the entries of the next pages, in order of their keys. Pages that are merged meanwhile get higher keys, so that a
   * caller that reads until `isEnd` gets every entry at least once.
   * @param options.key of the last page that was read; 0: none. @param options.newerThan runs without a higher id are left
   *   out.
   */
  readBehind({ key, newerThan, pages }: { key: number; newerThan: number; pages: number }): EntriesBehind {
    const behind: EntriesBehind = { entries: [], key, isEnd: true };
    let left = pages;
    for (const run of this.#runs) {
      if (run.newest_id <= newerThan || keyOf(run, keysPerRun) <= key) continue;
      const rows = this.#sql.exec<{ key: number; page: ArrayBuffer }>(
        `SELECT key, page FROM ${this.#pagesTable} WHERE key >= ? AND key < ? ORDER BY key LIMIT ?`,
        Math.max(keyOf(run, 0), key + 1),
        keyOf(run, keysPerRun),
        left,
      );
      for (const row of rows) {
        behind.entries.push(...unpackPage(new Uint32Array(row.page)));
        behind.key = row.key;
        left -= 1;
      }
      if (left === 0) return { ...behind, isEnd: false };
    }
    return behind;
  }

  /** Whether `step` has something to do. */
  hasWork(forgottenThrough: number): boolean {
    return (
      this.#runs.some((run) => run.next_page !== null) ||
      this.#forgotten(forgottenThrough) !== undefined ||
      this.#toMerge() !== null
    );
  }

  /**
   * Merges or removes a bounded number of pages. Must be called in a transaction.
   * @param forgottenThrough entries up to this id are removed. @returns whether there was something to do.
   */
  step(forgottenThrough: number): boolean {
    const forgotten = this.#forgotten(forgottenThrough);
    if (forgotten !== undefined) {
      this.#remove(forgotten);
      return true;
    }
    const target = this.#runs.find((run) => run.next_page !== null) ?? this.#beginMerge();
    if (target === null) return false;
    this.#merge(target, forgottenThrough);
    return true;
  }

  /** @returns a run whose entries are all forgotten. Runs that are being merged are left out: the merge removes such entries. */
  #forgotten(through: number): Run | undefined {
    return this.#runs.find(
      (run, place) =>
        run.newest_id <= through &&
        run.next_page === null &&
        run.merges_into === null &&
        (run.newest_id > 0 || place + 1 < this.#runs.length),
    );
  }

  /** @returns the oldest runs of the lowest level that has enough for a merge; null: none has. */
  #toMerge(): Run[] | null {
    for (let level = 0; level < levelMax; level += 1) {
      const runs = this.#runs.filter((run) => run.level === level && run.merges_into === null);
      if (runs.length >= runsMax) return runs.slice(0, runsMax);
    }
    return null;
  }

  #beginMerge(): Run | null {
    const sources = this.#toMerge();
    const [first] = sources ?? [];
    if (sources === null || first === undefined) return null;
    const newest = Math.max(...sources.map((run) => run.newest_id));
    const target = this.#addRun({ level: first.level + 1, newest_id: newest, next_page: 0 });
    for (const source of sources) {
      source.merges_into = target.run;
      this.#sql.exec(`UPDATE ${this.#runsTable} SET merges_into = ? WHERE run = ?`, target.run, source.run);
    }
    return target;
  }

  /** Merges one page of each source into the target. A search finds each uuid in the source or in the target. */
  #merge(target: Run, forgottenThrough: number): void {
    const page = target.next_page ?? 0;
    const sources = this.#runs.filter((run) => run.merges_into === target.run);
    const entries = sources.flatMap((source) => unpackPage(this.#readPage(keyOf(source, page))));
    const kept = entries.filter(({ id }) => id > forgottenThrough);
    const parts = Map.groupBy(kept, ({ words }) => pageOf(words, target.level));
    for (const [part, its] of parts) this.#writePage(target, part, its);
    for (const source of sources) this.#removePages(keyOf(source, page), keyOf(source, page));
    const isDone = page + 1 === pagesPerStep ** (target.level - 1);
    target.next_page = isDone ? null : page + 1;
    this.#sql.exec(`UPDATE ${this.#runsTable} SET next_page = ? WHERE run = ?`, target.next_page, target.run);
    if (!isDone) return;
    this.#sql.exec(`DELETE FROM ${this.#runsTable} WHERE merges_into = ?`, target.run);
    this.#runs = this.#runs.filter((run) => run.merges_into !== target.run);
  }

  #remove(run: Run): void {
    const keys = this.#sql
      .exec<{ key: number }>(
        `SELECT key FROM ${this.#pagesTable} WHERE key >= ? AND key < ? ORDER BY key LIMIT ?`,
        keyOf(run, 0),
        keyOf(run, keysPerRun),
        removedMax,
      )
      .toArray();
    const [first, last] = [keys[0], keys.at(-1)];
    if (first !== undefined && last !== undefined) this.#removePages(first.key, last.key);
    if (keys.length === removedMax) return;
    if (run === this.#runs.at(-1)) {
      // Numbers of runs must never be reused, because readers continue after a key. The newest run is kept, without pages.
      run.newest_id = 0;
      this.#sql.exec(`UPDATE ${this.#runsTable} SET newest_id = 0 WHERE run = ?`, run.run);
      return;
    }
    this.#sql.exec(`DELETE FROM ${this.#runsTable} WHERE run = ?`, run.run);
    this.#runs = this.#runs.filter((other) => other !== run);
  }

  #makeTables(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS ${this.#runsTable} (
      run INTEGER PRIMARY KEY, level INTEGER NOT NULL, newest_id INTEGER NOT NULL, next_page INTEGER, merges_into INTEGER
    )`);
    // The filter comes first, so that reading it does not read the overflow pages of `page`.
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS ${this.#pagesTable} (
      key INTEGER PRIMARY KEY, filter BLOB NOT NULL, page BLOB NOT NULL
    )`);
  }

  #addRun(run: Omit<Run, "run" | "merges_into">): Run {
    const added: Run = { ...run, run: (this.#runs.at(-1)?.run ?? 0) + 1, merges_into: null };
    this.#sql.exec(
      `INSERT INTO ${this.#runsTable} (run, level, newest_id, next_page) VALUES (?, ?, ?, ?)`,
      added.run,
      added.level,
      added.newest_id,
      added.next_page,
    );
    this.#runs.push(added);
    return added;
  }

  #writePage(run: Run, page: number, entries: readonly SeenUuid[]): void {
    const filter = filterOf(entries);
    const key = keyOf(run, page);
    this.#sql.exec(
      `INSERT INTO ${this.#pagesTable} VALUES (?, ?, ?)`,
      key,
      filter.buffer,
      packPage(entries).buffer,
    );
    if (run.level <= cachedLevelMax) this.#cached?.set(key, filter);
  }

  #removePages(first: number, last: number): void {
    this.#sql.exec(`DELETE FROM ${this.#pagesTable} WHERE key BETWEEN ? AND ?`, first, last);
    for (let key = first; key <= last; key += 1) this.#cached?.delete(key);
  }

  #readPage(key: number): Uint32Array {
    const [row] = this.#sql
      .exec<{ page: ArrayBuffer }>(`SELECT page FROM ${this.#pagesTable} WHERE key = ?`, key)
      .toArray();
    return new Uint32Array(row?.page ?? new ArrayBuffer(0));
  }

  #readCached(): Map<number, Uint32Array> {
    const cached = this.#runs.filter((run) => run.level <= cachedLevelMax);
    return new Map(
      cached.flatMap((run) =>
        this.#sql
          .exec<Filter>(
            `SELECT key, filter FROM ${this.#pagesTable} WHERE key >= ? AND key < ?`,
            keyOf(run, 0),
            keyOf(run, keysPerRun),
          )
          .toArray()
          .map(filterEntry),
      ),
    );
  }

  /** Reads the filters of high levels for the pages that could contain the uuids. */
  #readFilters(uuids: readonly UuidWords[]): Map<number, Uint32Array> {
    const runs = this.#runs.filter((run) => run.level > cachedLevelMax);
    if (runs.length === 0) return new Map();
    const keys = new Set(uuids.flatMap((words) => runs.map((run) => keyOf(run, pageOf(words, run.level)))));
    const rows = this.#sql.exec<Filter>(
      `SELECT p.key, p.filter FROM json_each(?) k CROSS JOIN ${this.#pagesTable} p ON p.key = k.value`,
      JSON.stringify([...keys]),
    );
    return new Map(rows.toArray().map(filterEntry));
  }
}

type Filter = { key: number; filter: ArrayBuffer };

function filterEntry({ key, filter }: Filter): [number, Uint32Array] {
  return [key, new Uint32Array(filter)];
}

function keyOf({ run }: Run, page: number): number {
  return run * keysPerRun + page;
}
