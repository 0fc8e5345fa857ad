/** Which events a shard has accepted before: the newest in memory, all others packed (`uuid-runs.ts`). */
import { bytesOf, type EventTables } from "./event-tables";
import type { ShardRecordStore } from "./shard-record";
import { wordsOf } from "./uuid-hash";
import { pageEntries, type SeenEvent, type SeenUuid } from "./uuid-pages";
import { UuidRuns } from "./uuid-runs";

type UnpackedEvent = {
  id: number;
  uuid: string;
  accepted_at: number;
  routing_version: number;
  body_bytes: number;
};

export class SeenEvents {
  readonly #tables: EventTables;
  readonly #record: ShardRecordStore;
  readonly #runs: UuidRuns;
  /** What is not packed yet, by uuid, in order of id. */
  readonly #newest = new Map<string, SeenEvent>();

  /** Reads at most as many events as are packed at once. */
  constructor(sql: SqlStorage, tables: EventTables, record: ShardRecordStore) {
    this.#tables = tables;
    this.#record = record;
    this.#runs = new UuidRuns(sql);
    const { sealedThrough } = record.get();
    for (const table of tables.between(sealedThrough + 1, tables.lastId)) {
      const rows = sql.exec<UnpackedEvent>(
        `SELECT id, uuid, accepted_at, routing_version, octet_length(body) AS body_bytes FROM ${table}
         WHERE id > ? ORDER BY id LIMIT ?`,
        sealedThrough,
        pageEntries - this.#newest.size,
      );
      for (const { id, uuid, accepted_at, routing_version, body_bytes } of rows) {
        this.#newest.set(uuid, { id, acceptedAt: accepted_at, routingVersion: routing_version });
        tables.addBytes(id, bytesOf(body_bytes));
      }
    }
  }

  /** Whether so many are not packed yet that they should be. */
  get isFull(): boolean {
    return this.#newest.size >= pageEntries;
  }

  /** Those of the uuids that the shard knows. A new uuid costs no row read, as long as there are no more than a million events. */
  find(uuids: readonly string[]): Map<string, SeenEvent> {
    const { forgottenThrough } = this.#record.get();
    const found = new Map<string, SeenEvent>();
    const others = uuids.filter((uuid) => {
      const seen = this.#newest.get(uuid);
      if (seen !== undefined && seen.id > forgottenThrough) found.set(uuid, seen);
      return !found.has(uuid);
    });
    for (const [place, seen] of this.#runs.find(others.map(wordsOf)).entries()) {
      const uuid = others[place];
      if (uuid !== undefined && seen !== null && seen.id > forgottenThrough) found.set(uuid, seen);
    }
    return found;
  }

  /** Notes an event that was appended. No row written, but for every 4,096th: then five. */
  add(uuid: string, seen: SeenEvent): void {
    this.#newest.set(uuid, seen);
    if (this.isFull) this.seal();
  }

  /** Packs what is not packed yet. */
  seal(): void {
    const entries = this.#unpacked();
    const [first, last] = [entries[0], entries.at(-1)];
    if (first === undefined || last === undefined) return;
    this.#runs.add(entries);
    this.#tables.saveBytes(first.id);
    this.#record.set({ sealedThrough: last.id });
    this.#newest.clear();
  }

  /**
   * The next events behind a cursor, so that reading on until `isEnd` gives every event that is known, and some twice.
   * @param options.key of the packed page that was read last. @param options.id all events up to it were read.
   */
  readBehind({ key, id, pages }: { key: number; id: number; pages: number }): {
    entries: SeenUuid[];
    key: number;
    id: number;
    isEnd: boolean;
  } {
    const newerThan = Math.max(id, this.#record.get().forgottenThrough);
    const packed = this.#runs.readBehind({ key, newerThan, pages });
    const behind = packed.isEnd ? [...packed.entries, ...this.#unpacked()] : packed.entries;
    return {
      entries: behind.filter((entry) => entry.id > newerThan),
      key: packed.key,
      id: packed.isEnd ? this.#tables.lastId : id,
      isEnd: packed.isEnd,
    };
  }

  /** Whether `tidy` has something to do. */
  get isUntidy(): boolean {
    return this.#runs.hasWork(this.#record.get().forgottenThrough);
  }

  /** A bounded step of merging what is packed and removing what is forgotten, to be run as one transaction. @returns whether there was anything to do. */
  tidy(): boolean {
    return this.#runs.step(this.#record.get().forgottenThrough);
  }

  #unpacked(): SeenUuid[] {
    return [...this.#newest].map(([uuid, { id, acceptedAt, routingVersion }]) => ({
      words: wordsOf(uuid),
      id,
      acceptedAt,
      routingVersion,
    }));
  }
}
