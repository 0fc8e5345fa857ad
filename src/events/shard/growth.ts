/**
 * How many event shards there are, and how a new one becomes one of them.
 *
 * Shard 0 decides it, in its own storage. Any other one that is called with another number than its own asks shard 0 what it is
 * now. Before that, a new shard copies the uuids of the events that will belong to it. Once shard 0 has decided, it has each of
 * the others accept nothing more of these, and copies the rest: only then it accepts events. So a uuid is accepted in one place,
 * whatever breaks off where, and whoever finds a step undone does it.
 */
import { awaitAll } from "../../platform/concurrency";
import { log } from "../../platform/log";
import { withTimeout } from "../../platform/timeouts";
import type { EventShard } from "./event-shard";
import type { RoutingChanges } from "./routing-changes";
import type { RoutingPage } from "./pull-routing";
import { shardOf, shardStub } from "./shard-of";
import type { Joining } from "./shard-record";
import type { ShardStore } from "./shard-store";
import type { EarlierEvent } from "./types";
import { unpackPage } from "./uuid-pages";
import { firstCursor, type UuidPage, type UuidRequest } from "./uuid-transfer";

/** How many calls of each other shard one run of copying makes. */
const copiedMax = 50;

/** How far a new shard is. `near`: it lacks no more than what was accepted just now. */
export type JoinState = "copying" | "near" | "joined";

const none: ReadonlyMap<string, EarlierEvent> = new Map();

export class Growth {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #shard: number;
  readonly #store: ShardStore;
  readonly #changes: Pick<RoutingChanges, "current" | "refresh">;
  /** How many shards changes of routing are announced to, as D1 said last. */
  #announcedTo = 0;
  /** Whether copying stopped before it was done. */
  #hasMore = false;
  #joining: Promise<void> | null = null;

  /** @param options.shard its number. */
  constructor(
    storage: DurableObjectStorage,
    env: Env,
    {
      shard,
      store,
      changes,
    }: { shard: number; store: ShardStore; changes: Pick<RoutingChanges, "current" | "refresh"> },
  ) {
    this.#storage = storage;
    this.#env = env;
    this.#shard = shard;
    this.#store = store;
    this.#changes = changes;
  }

  /** Notes what D1 says. To be called in a transaction. */
  note({ shards, shardsNext }: Pick<RoutingPage, "shards" | "shardsNext">): void {
    this.#announcedTo = Math.max(shards, shardsNext ?? 0);
    const { shards: known, joining } = this.#store.record.get();
    if (known === null && joining === null && this.#shard < shards) this.#store.record.set({ shards });
  }

  /**
   * How many shards there are: as far as this one knows where that is `believed`, else as shard 0 has decided. What this one has
   * to do about the decision is done then.
   * @returns null when it was never told, and D1 cannot be reached. @throws when another shard cannot be reached.
   */
  async count(believed: number | null): Promise<number | null> {
    if (this.#known === null && !(await this.#changes.current())) return null;
    if (this.#shard === 0) return this.#known ?? believed;
    if (this.#known !== null && this.#known === believed) return this.#known;
    const decided = await this.#decided();
    if (decided === null || decided <= this.#shard) return decided;
    if (this.#known === null) await this.#join(decided);
    else if (this.#known < decided) this.#store.record.set({ shards: decided });
    return decided;
  }

  /** For shard 0: from now on there are so many. @param shards each new one of them is near. */
  decide(shards: number): void {
    if ((this.#known ?? 0) < shards) this.#store.record.set({ shards });
  }

  /** For the others: a new shard says that shard 0 has decided. */
  follow(shards: number): void {
    if (this.#shard === 0 && this.#known !== shards)
      throw new Error(`Shard 0 has not decided that there are ${shards} shards.`);
    if ((this.#known ?? 0) < shards) this.#store.record.set({ shards });
  }

  /**
   * For a new shard, while there are `from` and are to be `to`: copies some of what it needs, and joins when shard 0 has decided.
   * When it is near, it hears of every change of routing.
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

  /** Whether `copy` should go on soon. */
  get isCopying(): boolean {
    return this.#hasMore;
  }

  /** A bounded part of copying. @returns whether that is all until now. @throws when a shard cannot be reached. */
  async copy(): Promise<boolean> {
    const { joining } = this.#store.record.get();
    this.#hasMore = joining !== null;
    if (joining === null) return true;
    const isDone = await this.#copyAll(joining, { isLast: false, callsMax: copiedMax });
    this.#hasMore = !isDone;
    return isDone;
  }

  /** Whether it may know any of the uuids that it did not accept itself. */
  get hasInherited(): boolean {
    return !this.#store.inherited.isEmpty;
  }

  /**
   * Those of some uuids that were accepted by the shards there were before. Only where there is one, they are asked, for its text.
   * @throws when one of them cannot be reached then.
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

  #begin({ from, to }: { from: number; to: number }): void {
    const { joining } = this.#store.record.get();
    if (joining?.from === from && joining.to === to) return;
    this.#storage.transactionSync(() => {
      // What was copied for another number may lack some.
      this.#store.inherited.clear();
      this.#store.record.set({
        joining: { from, to, cursors: Array.from({ length: from }, () => firstCursor) },
      });
    });
  }

  /** Becomes a shard. Calls at the same time share it. */
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

  /** @returns whether all of them were read to the end. */
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
      this.#storage.transactionSync(() => this.#take(from, page));
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
      // A subscription that was made after the upgrade does not get events of before it.
      oldRoutingVersion: Math.min(oldRoutingVersion, source.oldRoutingVersion ?? oldRoutingVersion),
    });
  }
}
