/**
 * The events that D1 archived before there were event shards: a repeat of one of them is a repeat here, too. Their uuids are
 * copied from D1 in the background. Until that is done, a uuid that the shard does not know is asked for in D1. Their texts stay
 * in D1 until they are past their time; then the copy goes as well.
 */
import { atomically } from "../../platform/atomically";
import { repeatTransient } from "../../platform/repeat-transient";
import { hasOldArchive } from "../old-archive/slots";
import { findOldEvents, readOldUuids } from "../old-archive/uuids";
import { shardOf } from "./shard-of";
import type { ShardRecordStore } from "./shard-record";
import type { EarlierEvent } from "./types";

/** So long after D1's archive was read to its end, an isolate of the version before may have written to it. */
const lastWriteMs = 600_000;
/** How many pages one run of the alarm copies. */
const pagesMax = 20;

/** What D1 says: the version of routing, and since when (ms) the old archive has every event that was accepted then. */
type OldArchiveState = { hasOldArchive: boolean; version: number; oldKnownSince: number };

const none: ReadonlyMap<string, EarlierEvent> = new Map();

export class OldUuids {
  readonly #ctx: DurableObjectState;
  readonly #db: D1Database;
  readonly #record: ShardRecordStore;

  constructor(ctx: DurableObjectState, db: D1Database, record: ShardRecordStore) {
    this.#ctx = ctx;
    this.#db = db;
    this.#record = record;
  }

  /** Notes what D1 says, the first time. To be called in a transaction. */
  note({ hasOldArchive: has, version, oldKnownSince }: OldArchiveState): void {
    if (this.#record.get().oldArchive !== "unknown") return;
    const knownSince = Math.max(this.#record.get().knownSince, oldKnownSince);
    if (has)
      this.#ctx.storage.sql.exec(
        "CREATE TABLE IF NOT EXISTS old_uuids (uuid TEXT PRIMARY KEY) WITHOUT ROWID",
      );
    this.#record.set({ oldArchive: has ? "reading" : "none", oldRoutingVersion: version, knownSince });
  }

  /**
   * Those of some uuids, which the shard does not know otherwise, that are from before. D1 is asked while the copy is not
   * complete, and for the text of what is found.
   * @param unknown gives the uuids: called only where there may be events from before.
   * @throws when D1 cannot be reached then.
   */
  async find(unknown: () => readonly string[]): Promise<ReadonlyMap<string, EarlierEvent>> {
    const { oldArchive, oldRoutingVersion: routingVersion } = this.#record.get();
    if (oldArchive !== "reading" && oldArchive !== "read") return none;
    const uuids = unknown();
    if (uuids.length === 0) return none;
    const asked = oldArchive === "reading" ? uuids : this.#copied(uuids);
    if (asked.length === 0) return none;
    const found = await repeatTransient(() => findOldEvents(this.#db, asked));
    const known = new Map<string, EarlierEvent>(
      found.map(({ uuid, acceptedAt, body }) => [uuid, { acceptedAt, routingVersion, body }]),
    );
    // Copied, and dropped from D1 since: long ago, whatever the time was.
    for (const uuid of this.#copied(uuids))
      if (!known.has(uuid)) known.set(uuid, { acceptedAt: 0, routingVersion, body: null });
    return known;
  }

  /** Whether `copy` has something to do. */
  get isUnfinished(): boolean {
    return this.#record.get().oldArchive === "reading";
  }

  /** Copies the next pages of D1's uuids that belong to this shard. @param options.shard its number. @throws when D1 cannot be reached. */
  async copy(now: number, { shard, shards }: { shard: number; shards: number }): Promise<void> {
    for (let pages = 0; pages < pagesMax && this.isUnfinished; pages += 1) {
      const page = await readOldUuids(this.#db, this.#record.get().oldReadTo);
      if (page.readTo === null) return this.#finish(now);
      const own = page.uuids.filter(([uuid]) => shardOf(uuid, shards) === shard).map(([uuid]) => uuid);
      const readTo = page.readTo;
      atomically(this.#ctx, () => {
        this.#ctx.storage.sql.exec(
          "INSERT INTO old_uuids SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
          JSON.stringify(own),
        );
        this.#record.set({ oldReadTo: readTo });
      });
    }
  }

  /** Forgets the copy once D1's archive is empty. @throws when D1 cannot be reached. */
  async forget(): Promise<void> {
    if (this.#record.get().oldArchive !== "read" || (await hasOldArchive(this.#db))) return;
    atomically(this.#ctx, () => {
      this.#ctx.storage.sql.exec("DROP TABLE old_uuids");
      const { oldEndsAt, knownSince } = this.#record.get();
      this.#record.set({ oldArchive: "none", knownSince: Math.max(knownSince, oldEndsAt ?? 0) });
    });
  }

  #finish(now: number): void {
    const { oldEndsAt } = this.#record.get();
    if (oldEndsAt === null) this.#record.set({ oldEndsAt: now + lastWriteMs });
    else if (now >= oldEndsAt) this.#record.set({ oldArchive: "read" });
  }

  #copied(uuids: readonly string[]): string[] {
    return this.#ctx.storage.sql
      .exec<{ uuid: string }>(
        "SELECT j.value AS uuid FROM json_each(?) j CROSS JOIN old_uuids o ON o.uuid = j.value",
        JSON.stringify(uuids),
      )
      .toArray()
      .map(({ uuid }) => uuid);
  }
}
