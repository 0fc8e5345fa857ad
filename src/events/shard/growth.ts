/**
 * How many event shards there are, and how a new shard joins.
 *
 * Shard 0 stores the number. A shard that is called with another number than the one it knows asks shard 0. A new shard
 * first copies the uuids of earlier events that will belong to it. When shard 0 has stored the new number, the new shard
 * tells each of the others to accept none of its events any more, copies the remaining uuids, and only then accepts
 * events. A uuid is therefore accepted in one place only, at whichever step a growth is interrupted: every step can be
 * repeated.
 */
import { atomically } from "../../platform/atomically";
import { awaitAll } from "../../platform/concurrency";
import { readConfig } from "../../platform/config";
import { log } from "../../platform/log";
import { withTimeout } from "../../platform/timeouts";
import type { EventShard } from "./event-shard";
import type { RoutingChanges } from "./routing-changes";
import type { RoutingPage } from "./pull-routing";
import { textShards } from "./retention";
import { shardOf, shardStub } from "./shard-of";
import type { Joining } from "./shard-record";
import type { ShardStore } from "./shard-store";
import type { EarlierEvent } from "./types";
import { unpackPage } from "./uuid-pages";
import { firstCursor, type UuidPage, type UuidRequest } from "./uuid-transfer";

const dayMs = 86_400_000;
/** How many times one `copy` calls each of the other shards. */
const copiedMax = 50;

/** The progress of a new shard. `near`: it lacks only the uuids of events that were accepted since its last copy. */
export type JoinState = "copying" | "near" | "joined";

const none: ReadonlyMap<string, EarlierEvent> = new Map();

/** A shard's part in growing. All calls of the shard share one. */
export class Growth {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #shard: number;
  readonly #store: ShardStore;
  readonly #changes: Pick<RoutingChanges, "current" | "refresh">;
  /** The number of shards to which changes of routing are announced, as last read from D1. */
  #announcedTo = 0;
  /** Whether the last `copy` stopped before the end. */
  #hasMore = false;
  #joining: Promise<void> | null = null;

  /** @param options.shard the shard's number, from 0. */
  constructor(
    ctx: DurableObjectState,
    env: Env,
    {
      shard,
      store,
      changes,
    }: { shard: number; store: ShardStore; changes: Pick<RoutingChanges, "current" | "refresh"> },
  ) {
    this.#ctx = ctx;
    this.#env = env;
    this.#shard = shard;
    this.#store = store;
    this.#changes = changes;
  }

  /** Notes the numbers that were read from D1. Must be called in a transaction. */
  note({ shards, shardsNext }: Pick<RoutingPage, "shards" | "shardsNext">): void {
    this.#announcedTo = Math.max(shards, shardsNext ?? 0);
    const { shards: known, joining } = this.#store.record.get();
    if (known === null && joining === null && this.#shard < shards) this.#store.record.set({ shards });
  }

  /**
   * How many shards there are. Asks shard 0 when the caller believes in another number than this shard knows; if the
   * number has grown, this shard joins or notes it before it returns.
   * @param believed the caller's number; null: unknown.
   * @returns null when this shard was never told the number and D1 cannot be reached, unless shard 0 says that it is not one of
   *   the shards. @throws when another shard cannot be
   *   reached.
   */
  async count(believed: number | null): Promise<number | null> {
    const hasRouting = this.#known !== null || (await this.#changes.current());
    if (this.#shard === 0) return hasRouting ? (this.#known ?? believed) : null;
    if (this.#known !== null && this.#known === believed) return this.#known;
    const decided = await this.#decided();
    if (decided === null || decided <= this.#shard) return decided;
    if (!hasRouting) return null;
    if (this.#known === null) await this.#join(decided);
    else this.#raise(decided);
    return decided;
  }

  /** On shard 0: stores the new number. All new shards must be `near`. */
  decide(shards: number): void {
    this.#raise(shards);
  }

  /** On the others: a new shard reports the number that shard 0 has stored. */
  follow(shards: number): void {
    if (this.#shard === 0 && this.#known !== shards)
      throw new Error(`Shard 0 has not decided that there are ${shards} shards.`);
    this.#raise(shards);
  }

  /**
   * On a new shard, while the number grows from `from` to `to`: copies a bounded part of the uuids, or joins if shard 0 has
   * stored the number. Changes of routing are announced to it by then.
   * @throws when D1 or another shard cannot be reached.
   */
  async prepare({ from, to }: { from: number; to: number }): Promise<JoinState> {
    if (this.#known !== null) return "joined";
    if (!(await this.#changes.refresh())) throw new Error("D1 cannot be reached.");
    if (this.#known !== null) return "joined";
    if (this.#announcedTo < to) throw new Error("Changes of routing are not announced to this shard.");
    this.#begin({ from, to });
    if (((await this.#decided()) ?? 0) >= to) {
      await this.#join(to);
      return "joined";
    }
    return (await this.copy()) ? "near" : "copying";
  }

  /** Whether `copy` must be called again soon. */
  get isCopying(): boolean {
    return this.#hasMore;
  }

  /** Copies a bounded number of uuids. @returns whether the end was reached. @throws when a shard cannot be reached. */
  async copy(): Promise<boolean> {
    const { joining } = this.#store.record.get();
    this.#hasMore = joining !== null;
    if (joining === null) return true;
    const isDone = await this.#copyAll(joining, { isLast: false, callsMax: copiedMax });
    this.#hasMore = !isDone;
    return isDone;
  }

  /** Whether the shard has copied uuids. */
  get hasInherited(): boolean {
    return !this.#store.inherited.isEmpty;
  }

  /**
   * Finds events that earlier shards accepted before this one joined, and asks those shards for the texts of the events
   * found. Without one, no shard is asked.
   * @returns by uuid. @throws when a shard that must be asked cannot be reached.
   */
  async find(uuids: readonly string[]): Promise<ReadonlyMap<string, EarlierEvent>> {
    const found = this.#store.inherited.find(uuids);
    const before = this.#store.record.get().joinedAfter;
    if (found.size === 0 || before === null) return none;
    const asked = [...Map.groupBy(found.keys(), (uuid) => shardOf(uuid, before))];
    const answers = await Promise.all(asked.map(([shard, its]) => withTimeout(this.#stub(shard).texts(its))));
    const texts = new Map(answers.flat().map(({ uuid, text }) => [uuid, text]));
    return new Map([...found].map(([uuid, seen]) => [uuid, { ...seen, body: texts.get(uuid) ?? null }]));
  }

  get #known(): number | null {
    return this.#store.record.get().shards;
  }

  #stub(shard: number): DurableObjectStub<EventShard> {
    return shardStub(this.#env, shard);
  }

  #decided(): Promise<number | null> {
    return withTimeout<number | null>(this.#stub(0).shardCount());
  }

  /** Stores the number if it is higher than the known one. */
  #raise(shards: number): void {
    const record = this.#store.record.get();
    if ((record.shards ?? 0) >= shards) return;
    const time = { now: Date.now(), keptMs: readConfig(this.#env).archiveDays * dayMs };
    const grown = record.shards === null ? null : { at: time.now, textShards: textShards(record, time) };
    this.#store.record.set({ shards, grown });
  }

  #begin({ from, to }: { from: number; to: number }): void {
    const { joining } = this.#store.record.get();
    if (joining?.from === from && joining.to === to) return;
    atomically(this.#ctx, () => {
      // Uuids that were copied for another number of shards may be incomplete.
      this.#store.inherited.clear();
      this.#store.record.set({
        joining: { from, to, cursors: Array.from({ length: from }, () => firstCursor) },
      });
    });
  }

  /** Joins. Concurrent calls share the work. */
  #join(decided: number): Promise<void> {
    this.#joining ??= this.#joinOnce(decided).finally(() => {
      this.#joining = null;
    });
    return this.#joining;
  }

  async #joinOnce(decided: number): Promise<void> {
    const { shards, joining } = this.#store.record.get();
    if (shards !== null) return;
    if (joining?.to !== decided)
      throw new Error(`Shard ${this.#shard} has not been prepared for ${decided} shards.`);
    await this.#copyAll(joining, { isLast: true, callsMax: Number.POSITIVE_INFINITY });
    this.#hasMore = false;
    this.#store.record.set({ shards: decided, joining: null, joinedAfter: joining.from });
    log("info", "event shard joined", { shard: this.#shard, shards: decided });
  }

  /** @returns whether all shards were read to the end. */
  async #copyAll(
    { from, to }: Joining,
    { isLast, callsMax }: { isLast: boolean; callsMax: number },
  ): Promise<boolean> {
    const done = await awaitAll(
      Array.from({ length: from }, async (_, shard) =>
        this.#copyFrom(shard, { shards: to, isLast, callsMax }),
      ),
    );
    return done.every(Boolean);
  }

  async #copyFrom(
    from: number,
    { callsMax, ...request }: Pick<UuidRequest, "shards" | "isLast"> & { callsMax: number },
  ): Promise<boolean> {
    for (let call = 0; call < callsMax; call += 1) {
      const { shards, joining } = this.#store.record.get();
      if (shards !== null) return true;
      const cursor = joining?.cursors[from];
      if (joining?.to !== request.shards || cursor === undefined)
        throw new Error("Another growth has begun.");
      const page = await withTimeout<UuidPage>(
        this.#stub(from).uuidsOf({ ...request, shard: this.#shard, cursor }),
      );
      atomically(this.#ctx, () => this.#take(from, page));
      if (page.isEnd) return true;
    }
    return false;
  }

  #take(from: number, { page, cursor, ...source }: UuidPage): void {
    const { inherited, record } = this.#store;
    const entries = unpackPage(new Uint32Array(page));
    if (entries.length > 0) inherited.add(entries);
    const { joining, knownSince, oldRoutingVersion } = record.get();
    if (joining === null) return;
    record.set({
      joining: { ...joining, cursors: joining.cursors.with(from, cursor) },
      knownSince: Math.max(knownSince, source.knownSince),
      // Subscriptions created after the upgrade must not receive events from before it.
      oldRoutingVersion: Math.min(oldRoutingVersion, source.oldRoutingVersion ?? oldRoutingVersion),
    });
  }
}
