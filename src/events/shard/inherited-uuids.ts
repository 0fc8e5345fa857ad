/**
 * The uuids that a shard took over when it became one: of events that others had accepted, and that belong to it now. They are
 * packed as its own (`uuid-runs.ts`), with the time of acceptance in place of the id. The texts stay where they are.
 */
import type { ShardRecordStore } from "./shard-record";
import { wordsOf } from "./uuid-hash";
import { pageEntries, type SeenEvent, type SeenUuid } from "./uuid-pages";
import { UuidRuns } from "./uuid-runs";

const dayMs = 86_400_000;

/** When an event was accepted, in ms, and under which routing version. */
export type InheritedEvent = Pick<SeenEvent, "acceptedAt" | "routingVersion">;

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

  /** Adds some. To be called in a transaction. @param entries with the time of acceptance as id. */
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

  /** Those of the uuids that are among them. */
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

  /** The next of them, for a shard that takes them over in its turn. @param key 0: from the first on. */
  readBehind(key: number, pages: number): ReturnType<UuidRuns["readBehind"]> {
    return this.#runs.readBehind({
      key,
      newerThan: this.#record.get().inheritedForgottenThrough,
      pages,
    });
  }

  /** Forgets what was accepted on days that ended `keptMs` ago, as the shards do that accepted it; with `all`, everything. To be called in a transaction. */
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

  /** Drops all of them. To be called in a transaction. */
  clear(): void {
    this.#runs.clear();
    this.#record.set({ inherited: { count: 0, newestAt: 0 } });
  }

  get isUntidy(): boolean {
    return this.#runs.hasWork(this.#record.get().inheritedForgottenThrough);
  }

  /** As `SeenEvents.tidy`. */
  tidy(): boolean {
    return this.#runs.step(this.#record.get().inheritedForgottenThrough);
  }
}
