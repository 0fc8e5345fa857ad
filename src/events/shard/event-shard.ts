/**
 * A shard of the events: it archives those whose uuids belong to it, tells repeats from new ones, and says which webhooks
 * match. A shell of calls and the alarm: events are kept by `ShardStore`, routing by `RoutingReplica` and `RoutingChanges`.
 */
import { DurableObject } from "cloudflare:workers";
import type { HandoverEvent } from "../../lane/handover";
import { readConfig } from "../../platform/config";
import { log } from "../../platform/log";
import type { FullArchivedEvent } from "../archived-event";
import type { ListedPage } from "../list-events";
import type { SourcePage } from "../merge-pages";
import { archiveEvents, textOf } from "./archive-events";
import { findEvent, listEvents, type MatchingRange, readMatching, type ShardQuery } from "./archive-pages";
import { KnownNames } from "./known-names";
import { type KnownOldEvent, OldUuids } from "./old-uuids";
import { prune } from "./retention";
import { RoutingChanges } from "./routing-changes";
import { RoutingReplica } from "./routing-replica";
import { ShardStore } from "./shard-store";
import type { PublishAnswer, PublishRequest } from "./types";

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
  /** Whether this object has seen that an alarm stands. */
  #isArmed = false;
  /** Whether the alarm's last run failed. */
  #hasFailed = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new ShardStore(ctx.storage.sql);
    this.#replica = new RoutingReplica(ctx.storage.sql);
    this.#names = new KnownNames(ctx.storage.sql);
    this.#old = new OldUuids(ctx.storage, env.DB, this.#store.record);
    this.#changes = new RoutingChanges(ctx, env, this.#replica, {
      shardsWanted: () => readConfig(env).eventShards,
      pulled: (page) => {
        if (this.#store.record.get().shards === null) this.#store.record.set({ shards: page.shards });
        this.#old.note(page);
      },
    });
  }

  /**
   * Archives events and says who matches them, all or (with a conflict) none. When it returns `archived`, the new ones are on
   * disk. Idempotent by uuid, so that a caller repeats it after any exception; of calls at the same time, one is first.
   * @throws when storage takes no writes: then nothing of it was archived.
   */
  async publish({ shards, events, ...request }: PublishRequest): Promise<PublishAnswer> {
    if (!(await this.#changes.current())) {
      return {
        outcome: "unavailable",
        because: "A change of webhooks is under way and D1 cannot be reached.",
      };
    }
    const known = this.#store.record.get().shards;
    if (known !== null && known !== shards) return { outcome: "resharded", shards: known };
    let old: ReadonlyMap<string, KnownOldEvent>;
    try {
      old = await this.#findOld(events.map(({ uuid }) => uuid));
    } catch (error) {
      log("warn", "old archive not asked", { shard: this.ctx.id.name, error: String(error) });
      return {
        outcome: "unavailable",
        because: "Events of before the upgrade are being taken over, and D1 cannot be reached.",
      };
    }
    const now = Date.now();
    const answer = this.#atomically((): PublishAnswer => {
      const archived = archiveEvents(this.#store, this.#replica, { ...request, events, now, old });
      if (archived.outcome === "archived") this.#names.note(events, now);
      return archived;
    });
    if (!this.#isArmed || this.#hasSmallWork()) await this.#arm();
    return answer;
  }

  /** Those of the uuids that the shard knows, with their texts; without those whose texts are dropped. */
  async texts(uuids: string[]): Promise<{ uuid: string; text: string }[]> {
    const known = this.#store.seen.find(uuids);
    const old = await this.#findOld(uuids);
    return uuids.flatMap((uuid) => {
      const text = textOf(this.#store, uuid, { known, old });
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

  /** Since when (ms) the shard knows every event that it accepted: a repeat of an older one may look like a new event. */
  async knownSince(): Promise<number> {
    const isNew = this.#store.record.get().shards === null;
    if (isNew && !(await this.#changes.current()))
      throw new Error("D1 cannot be reached, and was never asked.");
    return this.#store.record.get().knownSince;
  }

  /** Writes down that a change of routing is about to be committed. */
  async announce(id: string): Promise<void> {
    this.#changes.announce(id, Date.now());
    await this.#arm();
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

  /** Of those that the shard does not know itself. @throws when D1 is to be asked and cannot be reached. */
  async #findOld(uuids: string[]): Promise<ReadonlyMap<string, KnownOldEvent>> {
    return this.#old.find(() => {
      const known = this.#store.seen.find(uuids);
      return uuids.filter((uuid) => !known.has(uuid));
    });
  }

  /** Whether there is something to do that the alarm should not wait long for. */
  #hasSmallWork(): boolean {
    return this.#store.seen.isUntidy || this.#names.hasUnwritten || this.#old.isUnfinished;
  }

  /** What is between the shard and D1, beside routing. What fails waits for the next run. */
  async #exchange(): Promise<void> {
    while (this.#names.hasUnwritten && (await this.#names.write(this.env.DB)));
    const { shards } = this.#store.record.get();
    const shard = Number(/\d+$/.exec(this.ctx.id.name ?? "")?.[0]);
    if (shards !== null && Number.isInteger(shard)) await this.#old.copy(Date.now(), { shard, shards });
    await this.#old.forget();
  }

  #prune(): void {
    const { archiveDays, archiveBytesMax } = readConfig(this.env);
    const shards = this.#store.record.get().shards ?? 1;
    const limits = {
      now: Date.now(),
      keptMs: archiveDays * dayMs,
      textBytesMax: Math.min(archiveBytesMax / shards, textBytesMax),
      uuidsMax,
    };
    const pruned = this.#atomically(() => prune(this.#store, limits));
    if (pruned.events + pruned.texts > 0)
      log("info", "archive pruned", { shard: this.ctx.id.name, ...pruned });
  }

  /** Publishes get their turn between two steps. */
  async #tidy(): Promise<void> {
    for (let step = 0; step < stepsMax; step += 1) {
      if (!this.#atomically(() => this.#store.seen.tidy())) return;
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

  /** One transaction. Where it fails, the object starts again from its disk: what was undone there is still in memory. */
  #atomically<Result>(work: () => Result): Result {
    try {
      return this.ctx.storage.transactionSync(work);
    } catch (error) {
      log("error", "a transaction failed: the shard starts again from its disk", {
        shard: this.ctx.id.name,
        error: String(error),
      });
      this.ctx.abort(String(error));
      throw error;
    }
  }
}
