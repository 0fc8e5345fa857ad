/**
 * The uuids that a shard copied when it joined: of events that belong to it now and that other shards had accepted. They are
 * packed as its own uuids are (`uuid-runs.ts`), with the time of acceptance as the id. The events' texts stay in the other
 * shards.
 */
import type { ShardRecordStore } from "./shard-record";
import { wordsOf } from "./uuid-hash";
import { pageEntries, type SeenEvent, type SeenUuid } from "./uuid-pages";
import { UuidRuns } from "./uuid-runs";

const dayMs = 86_400_000;

/** `acceptedAt`: in ms. `routingVersion`: of the routing under which the event was accepted. */
export type InheritedEvent = Pick<SeenEvent, "acceptedAt" | "routingVersion">;

/** Stored in the tables `inherited_uuid_runs` and `inherited_uuid_pages`, and in the shard's record. */
export class InheritedUuids {
  readonly #runs: UuidRuns;
  readonly #record: ShardRecordStore;

  constructor(sql: SqlStorage, record: ShardRecordStore) {
    this.#runs = new UuidRuns(sql, "inherited_");
    this.#record = record;
  }

  get isEmpty(): boolean {
    return this.#runs.isEmpty;
  }

  /** Must be called in a transaction. @param entries with the time of acceptance as the id. */
  add(entries: readonly SeenUuid[]): void {
    const known = entries
      .filter(({ id }) => id > this.#record.get().inheritedForgottenThrough)
      .toSorted((a, b) => a.id - b.id);
    for (let first = 0; first < known.length; first += pageEntries)
      this.#runs.add(known.slice(first, first + pageEntries));
    const { count, newestAt } = this.#record.get().inherited;
    const newest = Math.max(newestAt, known.at(-1)?.id ?? 0);
    this.#record.set({ inherited: { count: count + known.length, newestAt: newest } });
  }

  /** @returns the events that are known, by uuid. */
  find(uuids: readonly string[]): Map<string, InheritedEvent> {
    if (this.isEmpty) return new Map();
    const through = this.#record.get().inheritedForgottenThrough;
    return new Map(
      this.#runs.find(uuids.map(wordsOf)).flatMap((seen, place) => {
        const uuid = uuids[place];
        if (uuid === undefined || seen === null || seen.acceptedAt <= through) return [];
        return [[uuid, { acceptedAt: seen.acceptedAt, routingVersion: seen.routingVersion }]];
      }),
    );
  }

  /** Reads on, for a shard that joins later. @param key of the last page that was read; 0: none. */
  readBehind(key: number, pages: number): ReturnType<UuidRuns["readBehind"]> {
    return this.#runs.readBehind({
      key,
      newerThan: this.#record.get().inheritedForgottenThrough,
      pages,
    });
  }

  /**
   * Forgets the events of days that ended more than `keptMs` ago, at the same time as the shards that accepted them. Must be
   * called in a transaction. @param options.all forgets all of them.
   */
  forget(now: number, { keptMs, all }: { keptMs: number; all: boolean }): void {
    if (this.isEmpty) return;
    const { inherited, inheritedForgottenThrough, knownSince } = this.#record.get();
    const ended = Math.floor((now - keptMs) / dayMs) * dayMs - 1;
    const through = Math.min(all ? inherited.newestAt : ended, inherited.newestAt);
    if (through > inheritedForgottenThrough)
      this.#record.set({
        inheritedForgottenThrough: through,
        knownSince: Math.max(knownSince, through + 1),
      });
    if (through === inherited.newestAt) this.clear();
  }

  /** Removes all uuids. Must be called in a transaction. */
  clear(): void {
    this.#runs.clear();
    this.#record.set({ inherited: { count: 0, newestAt: 0 } });
  }

  /** Whether `tidy` has something to do. */
  get isUntidy(): boolean {
    return this.#runs.hasWork(this.#record.get().inheritedForgottenThrough);
  }

  /** Like `SeenEvents.tidy`. */
  tidy(): boolean {
    return this.#runs.step(this.#record.get().inheritedForgottenThrough);
  }
}
