/**
 * The changes of routing that were announced to an event shard, and pulling what became of them from D1.
 *
 * A change is announced before D1 commits it and answered after that. So a shard without an announcement has every change
 * that was answered, also after a restart; one with an announcement pulls before it matches.
 */
import { atomically } from "../../platform/atomically";
import { log } from "../../platform/log";
import { withTimeout } from "../../platform/timeouts";
import { voidChanges } from "./change-outcomes";
import { readRoutingPage, type RoutingPage } from "./pull-routing";
import { repeatTransient } from "../../platform/repeat-transient";
import type { RoutingReplica } from "./routing-replica";

/** After this, a change that D1 does not know counts as abandoned: its writer has died, or gives up. */
const staleMs = 60_000;
/** When D1 could not be reached, it is asked again after this. */
const retryMs = 5000;
/** How long a page may take: a publish waits for it. */
const pageMs = 2500;

/** `is_open`: D1 may have committed it, and somebody may have been told so. `due_at`: when to ask what became of it. */
const table = `CREATE TABLE IF NOT EXISTS routing_announcements (
  id TEXT PRIMARY KEY, due_at INTEGER NOT NULL, is_open INTEGER NOT NULL
) WITHOUT ROWID`;

/** What a pull needs to know and tells of the deployment, beside routing. */
export type Deployment = {
  /** How many event shards there are to be where D1 does not say. */
  shardsWanted(): number;
  /** Called with each page, in its transaction. */
  pulled(page: Omit<RoutingPage, "changes">): void;
};

/** Any number of calls may come at the same time. */
export class RoutingChanges {
  readonly #ctx: DurableObjectState;
  readonly #db: D1Database;
  readonly #replica: RoutingReplica;
  readonly #deployment: Deployment;
  /** The pull that is under way, and the one that begins after it. */
  #running: Promise<boolean> | null = null;
  #next: Promise<boolean> | null = null;
  /** Whether an announcement is open; null: to be read. Each publish asks. */
  #hasOpen: boolean | null = null;

  constructor(
    ctx: DurableObjectState,
    env: Pick<Env, "DB">,
    replica: RoutingReplica,
    deployment: Deployment,
  ) {
    this.#ctx = ctx;
    this.#db = env.DB;
    this.#deployment = deployment;
    this.#replica = replica;
    this.#ctx.storage.sql.exec(table);
  }

  /** Writes down that a change is about to be committed. @param now in ms. */
  announce(id: string, now: number): void {
    this.#hasOpen = null;
    this.#ctx.storage.sql.exec(
      "INSERT INTO routing_announcements (id, due_at, is_open) VALUES (?, ?, 1) ON CONFLICT DO NOTHING",
      id,
      now + staleMs,
    );
  }

  /** For a change that was not committed and never will be. */
  withdraw(id: string): void {
    this.#hasOpen = null;
    this.#ctx.storage.sql.exec("DELETE FROM routing_announcements WHERE id = ?", id);
  }

  /**
   * For a change of which its writer does not know whether it was committed: nobody was told that it was, so that publishes
   * need not wait for D1. `maintain` finds out. @param now in ms.
   */
  abandon(id: string, now: number): void {
    this.#hasOpen = null;
    this.#ctx.storage.sql.exec(
      "UPDATE routing_announcements SET is_open = 0, due_at = ? WHERE id = ?",
      now,
      id,
    );
  }

  /** For a change that was committed: pulls it. Where D1 cannot be reached, the announcement stays. */
  async apply(id: string): Promise<void> {
    if (await this.#pull()) this.withdraw(id);
  }

  /**
   * Makes the replica current for what arrives now: has every change that was answered before this call.
   * @returns false when a change was announced, or nothing was pulled yet, and D1 cannot be reached.
   */
  current(): Promise<boolean> {
    if (this.#replica.isComplete && !this.#isOpen()) return Promise.resolve(true);
    return this.#pull();
  }

  /** Pulls what D1 has now. @returns false when it cannot be reached. */
  refresh(): Promise<boolean> {
    return this.#pull();
  }

  /** When `maintain` has something to do, in ms; null: never. May be in the past. */
  get maintenanceAt(): number | null {
    return this.#ctx.storage.sql
      .exec<{ at: number | null }>("SELECT min(due_at) AS at FROM routing_announcements")
      .one().at;
  }

  /**
   * Ends announcements that are abandoned, or older than 60 s: from then on D1 refuses the change, unless it has it already.
   * Tries again 5 s later where D1 cannot be reached. Does not throw. @param now in ms.
   */
  async maintain(now: number): Promise<void> {
    const due = this.#ids("due_at <= ?", now);
    if (due.length === 0) return;
    this.#ctx.storage.sql.exec(
      "UPDATE routing_announcements SET due_at = ? WHERE due_at <= ?",
      now + retryMs,
      now,
    );
    try {
      await withTimeout(voidChanges(this.#db, due, now), pageMs);
    } catch (error) {
      log("warn", "announced changes of routing not settled", { changes: due.length, error: String(error) });
      return;
    }
    await this.#pull();
  }

  /** @returns the result of a pull that begins after this call. Calls share it. */
  #pull(): Promise<boolean> {
    if (this.#next !== null) return this.#next;
    if (this.#running === null) return this.#begin();
    this.#next = this.#running.then(() => this.#begin());
    return this.#next;
  }

  #begin(): Promise<boolean> {
    this.#next = null;
    this.#running = this.#pullAll().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Pulls page after page until the replica is as D1. @returns whether it got there. */
  async #pullAll(): Promise<boolean> {
    try {
      for (;;) {
        if (!(await this.#pullPage())) return true;
      }
    } catch (error) {
      log("warn", "routing not pulled", { error: String(error) });
      return false;
    }
  }

  /** @returns whether there is more. */
  async #pullPage(): Promise<boolean> {
    const above = this.#replica.version;
    const page = await withTimeout(
      repeatTransient(() =>
        readRoutingPage(this.#db, {
          above,
          lastChange: this.#replica.lastChange,
          announced: this.#ids("true"),
          shards: this.#deployment.shardsWanted(),
        }),
      ),
      pageMs,
    );
    return atomically(this.#ctx, () => {
      this.#deployment.pulled(page);
      if (!page.isSameDatabase || (!page.hasMore && page.version < above)) {
        // D1 was restored from a backup: all of it is read anew.
        this.#replica.clear();
        return true;
      }
      this.#replica.take(page);
      if (!page.hasMore) for (const id of page.settled) this.withdraw(id);
      return page.hasMore;
    });
  }

  #isOpen(): boolean {
    this.#hasOpen ??=
      this.#ctx.storage.sql.exec("SELECT 1 FROM routing_announcements WHERE is_open = 1 LIMIT 1").toArray()
        .length > 0;
    return this.#hasOpen;
  }

  #ids(condition: string, ...bindings: number[]): string[] {
    return this.#ctx.storage.sql
      .exec<{ id: string }>(`SELECT id FROM routing_announcements WHERE ${condition}`, ...bindings)
      .toArray()
      .map(({ id }) => id);
  }
}
