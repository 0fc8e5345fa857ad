/**
 * A shard of the events: it archives those whose uuids belong to it, tells repeats from new ones, and says which webhooks
 * match. A shell of calls and the alarm: events are kept by `ShardStore`, routing by `RoutingReplica` and `RoutingChanges`.
 */
import { DurableObject } from "cloudflare:workers";
import type { HandoverEvent } from "../../lane/handover";
import { atomically } from "../../platform/atomically";
import { readConfig } from "../../platform/config";
import { log } from "../../platform/log";
import type { FullArchivedEvent } from "../archived-event";
import type { ListedPage } from "../list-events";
import type { SourcePage } from "../merge-pages";
import { archiveEvents, textOf } from "./archive-events";
import { findEvent, listEvents, type MatchingRange, readMatching, type ShardQuery } from "./archive-pages";
import { Growth, type JoinState } from "./growth";
import { KnownNames } from "./known-names";
import { OldUuids } from "./old-uuids";
import { prune, textShards } from "./retention";
import { RoutingChanges } from "./routing-changes";
import { RoutingReplica } from "./routing-replica";
import { ShardStore } from "./shard-store";
import type { EarlierEvent, PublishAnswer, PublishRequest } from "./types";
import { readUuids, type UuidPage, type UuidRequest } from "./uuid-transfer";

const dayMs = 86_400_000;
/** How many uuids a shard keeps, whatever their time: packed, they take 3.2 GB of the 10 GB that an object holds. */
const uuidsMax = 100_000_000;
/** What its texts may take of these, whatever the configuration says. */
const textBytesMax = 5e9;
/** How often a shard looks for what is past its time. */
const maintenanceMs = 900_000;
/** How soon what can be tidied up is. */
const tidyMs = 1000;
/** How soon it is after the alarm's run failed. */
const retryMs = 30_000;
/** Steps of tidying in one run of the alarm, each some 50 ms: the next run goes on. */
const stepsMax = 100;
/** An alarm that stands so long in the past was lost. */
const lostAlarmMs = 60_000;

export class EventShard extends DurableObject<Env> {
  readonly #store: ShardStore;
  readonly #replica: RoutingReplica;
  readonly #changes: RoutingChanges;
  readonly #names: KnownNames;
  readonly #old: OldUuids;
  readonly #growth: Growth;
  /** Of the shards, from 0. */
  readonly #number: number;
  /** Whether this object has seen that an alarm stands. */
  #isArmed = false;
  /** Whether the alarm's last run failed. */
  #hasFailed = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new ShardStore(ctx.storage.sql);
    this.#replica = new RoutingReplica(ctx.storage.sql);
    this.#names = new KnownNames(ctx.storage.sql);
    this.#old = new OldUuids(ctx, env.DB, this.#store.record);
    this.#changes = new RoutingChanges(ctx, env, this.#replica, {
      shardsWanted: () => this.#store.record.get().shards ?? readConfig(env).eventShards,
      pulled: (page) => {
        this.#growth.note(page);
        this.#old.note(page);
      },
    });
    this.#number = Number(/\d+$/.exec(ctx.id.name ?? "")?.[0]);
    this.#growth = new Growth(ctx, env, {
      shard: this.#number,
      store: this.#store,
      changes: this.#changes,
    });
  }

  /**
   * Archives events and says who matches them, all or (with a conflict) none. When it returns `archived`, the new ones are on
   * disk. Idempotent by uuid, so that a caller repeats it after any exception; of calls at the same time, one is first.
   * @throws when storage takes no writes: then nothing of it was archived.
   */
  async publish({ shards, events, ...request }: PublishRequest): Promise<PublishAnswer> {
    const refusal = await this.#refuse(shards);
    if (refusal !== null) return refusal;
    if (!(await this.#changes.current())) {
      return {
        outcome: "unavailable",
        because: "A change of webhooks is under way and D1 cannot be reached.",
      };
    }
    let earlier: ReadonlyMap<string, EarlierEvent>;
    try {
      earlier = await this.#findEarlier(events.map(({ uuid }) => uuid));
    } catch (error) {
      log("warn", "earlier events not asked for", { shard: this.ctx.id.name, error: String(error) });
      return { outcome: "unavailable", because: "Whether events were published before cannot be told now." };
    }
    const now = Date.now();
    const answer = atomically(this.ctx, (): PublishAnswer => {
      // There may be more since the call began.
      const { shards: known } = this.#store.record.get();
      if (known !== null && known !== shards) return { outcome: "resharded", shards: known };
      const archived = archiveEvents(this.#store, this.#replica, { ...request, events, now, earlier });
      if (archived.outcome === "archived") this.#names.note(events, now);
      return archived;
    });
    if (!this.#isArmed || this.#hasSmallWork()) await this.#arm();
    return answer;
  }

  /** Those of the uuids that the shard knows, with their texts; without those whose texts are dropped. */
  async texts(uuids: string[]): Promise<{ uuid: string; text: string }[]> {
    if (this.#store.record.get().shards === null) await this.#growth.count(null);
    const earlier = await this.#findEarlier(uuids);
    const known = this.#store.seen.find(uuids);
    return uuids.flatMap((uuid) => {
      const text = textOf(this.#store, uuid, { known, earlier });
      return text === null ? [] : { uuid, text };
    });
  }

  /** A page of this shard's events, the newest first. `before` and `next` are ids of this shard. */
  async list(query: ShardQuery): Promise<ListedPage> {
    return listEvents(this.#store, query);
  }

  /** An event with its text; null when the shard does not have it, or its text not any more. */
  async find(uuid: string): Promise<FullArchivedEvent | null> {
    return findEvent(this.#store, uuid);
  }

  /**
   * The events that a webhook's subscriptions match now.
   * @param webhookId its id in D1. @param range `after` is an id of this shard.
   * @returns null when routing cannot be made current.
   */
  async readMatching(webhookId: number, range: MatchingRange): Promise<SourcePage<HandoverEvent> | null> {
    if (!(await this.#changes.current())) return null;
    return readMatching(this.#store, this.#replica, { webhookId, ...range });
  }

  /** Since when (ms) the shard has the text of every event that it accepted. */
  async completeSince(): Promise<number> {
    return this.#store.record.get().completeSince;
  }

  /**
   * Since when (ms) every event is known that belongs to the shard: a repeat of an older one may look like a new event.
   * @param believed how many shards the caller believes there are. @returns how many there are where it is another number.
   */
  async knownSince(believed: number): Promise<number | { shards: number }> {
    const { shards: known } = this.#store.record.get();
    const shards = known === believed ? known : await this.#growth.count(believed);
    if (shards === null) throw new Error("D1 cannot be reached, and was never asked.");
    return shards === believed ? this.#store.record.get().knownSince : { shards };
  }

  /** How many shards there are: of shard 0, how many there are indeed. Null: it was never told, and D1 cannot be reached. */
  async shardCount(): Promise<number | null> {
    if (this.#store.record.get().shards === null) await this.#changes.current();
    return this.#store.record.get().shards;
  }

  /** For shard 0: decides that there are so many shards, for good. Each of the new ones is `near`. */
  async decideShards(shards: number): Promise<void> {
    this.#growth.decide(shards);
  }

  /** For a shard to be: as `Growth.prepare`. */
  async prepare(growth: { from: number; to: number }): Promise<JoinState> {
    const state = await this.#growth.prepare(growth);
    await this.#arm();
    return state === "near" && this.#old.isUnfinished ? "copying" : state;
  }

  /** A page of the uuids that belong to another shard, when there are more of them. */
  async uuidsOf(request: UuidRequest): Promise<UuidPage> {
    if (request.isLast) this.#growth.follow(request.shards);
    return readUuids(this.#store, request);
  }

  /**
   * Writes down that a change of routing is about to be committed.
   * @returns how many shards there are, as far as this one knows.
   */
  async announce(id: string): Promise<number | null> {
    this.#changes.announce(id, Date.now());
    await this.#arm();
    return this.#store.record.get().shards;
  }

  /** For a change that was not committed and never will be. */
  async withdraw(id: string): Promise<void> {
    this.#changes.withdraw(id);
  }

  /** For a change of which its writer does not know whether it was committed. */
  async abandon(id: string): Promise<void> {
    this.#changes.abandon(id, Date.now());
    await this.#arm();
  }

  /** For a change that was committed: pulls it from D1. */
  async apply(id: string): Promise<void> {
    await this.#changes.apply(id);
  }

  /** Pulls routing from D1 without an announcement. Where D1 cannot be reached, routing stays as it is. */
  async refreshRouting(): Promise<void> {
    await this.#changes.refresh();
  }

  /** What fails is logged, and comes again: an alarm that throws too often is gone. */
  override async alarm(): Promise<void> {
    this.#isArmed = false;
    this.#hasFailed = false;
    try {
      await this.#changes.maintain(Date.now());
      this.#prune();
      await this.#tidy();
      await this.#exchange();
    } catch (error) {
      this.#hasFailed = true;
      log("error", "a shard's maintenance failed", { shard: this.ctx.id.name, error: String(error) });
    }
    await this.#arm();
  }

  /** What to answer to a publish for another number of shards than there are; null: it is right. */
  async #refuse(shards: number): Promise<PublishAnswer | null> {
    if (shards === this.#store.record.get().shards) return null;
    try {
      const count = await this.#growth.count(shards);
      if (count === shards) return null;
      if (count !== null) return { outcome: "resharded", shards: count };
      return { outcome: "unavailable", because: "The database cannot be reached, and was never asked." };
    } catch (error) {
      log("warn", "event shards not counted", { shard: this.ctx.id.name, error: String(error) });
      return { outcome: "unavailable", because: "The number of event shards is changing." };
    }
  }

  /** Those that were accepted elsewhere. @throws when whoever is to be asked about them cannot be reached. */
  async #findEarlier(uuids: string[]): Promise<ReadonlyMap<string, EarlierEvent>> {
    const unknown = (): string[] => {
      const known = this.#store.seen.find(uuids);
      return uuids.filter((uuid) => !known.has(uuid));
    };
    const inherited = this.#growth.hasInherited ? await this.#growth.find(unknown()) : null;
    const old = await this.#old.find(() => unknown().filter((uuid) => inherited?.has(uuid) !== true));
    return inherited === null || inherited.size === 0 ? old : new Map([...old, ...inherited]);
  }

  /** Whether there is something to do that the alarm should not wait long for. */
  #hasSmallWork(): boolean {
    const { seen, inherited } = this.#store;
    return (
      seen.isUntidy ||
      inherited.isUntidy ||
      this.#names.hasUnwritten ||
      this.#old.isUnfinished ||
      this.#growth.isCopying
    );
  }

  /** What is between the shard and D1, beside routing. What fails waits for the next run. */
  async #exchange(): Promise<void> {
    while (this.#names.hasUnwritten && (await this.#names.write(this.env.DB)));
    const { shards, joining } = this.#store.record.get();
    const count = shards ?? joining?.to;
    if (count !== undefined) await this.#old.copy(Date.now(), { shard: this.#number, shards: count });
    await this.#old.forget();
    if (this.#growth.isCopying) await this.#growth.copy();
  }

  #prune(): void {
    const { archiveDays, archiveBytesMax } = readConfig(this.env);
    const time = { now: Date.now(), keptMs: archiveDays * dayMs };
    const shards = textShards(this.#store.record.get(), time);
    const limits = {
      ...time,
      textBytesMax: Math.min(archiveBytesMax / shards, textBytesMax),
      uuidsMax,
    };
    const pruned = atomically(this.ctx, () => prune(this.#store, limits));
    if (pruned.events + pruned.texts > 0)
      log("info", "archive pruned", { shard: this.ctx.id.name, ...pruned });
  }

  /** Publishes get their turn between two steps. */
  async #tidy(): Promise<void> {
    for (let step = 0; step < stepsMax; step += 1) {
      if (!atomically(this.ctx, () => this.#store.seen.tidy() || this.#store.inherited.tidy())) return;
      await scheduler.wait(1);
    }
  }

  /** Sets the alarm for what has to be done next, unless one stands before that. Nothing else sets it. */
  async #arm(): Promise<void> {
    const now = Date.now();
    const at = Math.min(
      now + this.#restMs(),
      Math.max(this.#changes.maintenanceAt ?? Number.POSITIVE_INFINITY, now + 1),
    );
    const standing = await this.ctx.storage.getAlarm();
    if (standing === null || standing > at || standing < now - lostAlarmMs) {
      await this.ctx.storage.setAlarm(at);
    }
    this.#isArmed = true;
  }

  #restMs(): number {
    if (!this.#hasSmallWork()) return maintenanceMs;
    return this.#hasFailed ? retryMs : tidyMs;
  }
}
