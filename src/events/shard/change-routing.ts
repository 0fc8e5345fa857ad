/**
 * Changing what events are matched by, so that every publish sees a change that was answered: announce it to all event
 * shards, commit it in D1, answer, and then have it applied.
 */
import { afterAnswer } from "../../platform/after-answer";
import { RequestError, unavailable } from "../../platform/errors";
import { log } from "../../platform/log";
import { withTimeout } from "../../platform/timeouts";
import {
  type CommitRecord,
  commitRecord,
  isUnannounced,
  shardsAnnouncedTo,
  voidChanges,
} from "./change-outcomes";
import { isOverloaded, isTransient, repeatTransient } from "../../platform/repeat-transient";

/** How long a shard may take to write an announcement down. It is called twice. */
const announceMs = 2000;
const announcesMax = 2;
/** The default time after which a commit is given up, unless it has happened. */
const defaultCommitMs = 20_000;
const retryAfterS = 5;

/** So often a change begins anew because there are more shards than it was announced to. */
const announcementsMax = 3;

/**
 * What a shard does about a change. `announce`: on return it is on disk; gives how many shards there are, as far as this one
 * knows. All are idempotent.
 */
type RoutingShard = {
  announce(id: string): Promise<number | null>;
  withdraw(id: string): Promise<void>;
  abandon(id: string): Promise<void>;
  apply(id: string): Promise<void>;
};

/** A new stub of a shard: one that threw is of no use any more. */
export type ShardStub = () => RoutingShard;

/** Where routing is. `shardsWanted`: how many shards the configuration wants; `shardsOf`: as many, by their numbers from 0. */
export type RoutingPlace = {
  db: D1Database;
  shardsWanted: number;
  shardsOf: (count: number) => readonly ShardStub[];
};

/** What came of a commit. `lost`: D1 has it, but not what its statements gave back. */
type Commit<Result> =
  | { outcome: "committed"; result: Result }
  | { outcome: "void" | "lost" | "unknown"; error: unknown };

export type CommitOptions = { commitMs?: number };

/** How to commit, and after how long to give it up. */
type CommitAttempt<Result> = { commit: (record: CommitRecord) => Promise<Result>; commitMs: number };

/**
 * Runs a batch that changes webhooks or subscriptions. On return, every publish that starts sees what it did.
 * @param commit runs one batch, in which the record's statement comes first. It may be called again after it threw.
 * @param options.commitMs the time after which the commit is given up: 20 s by default. Meanwhile, publishes read from D1.
 * @returns what `commit` gave.
 * @throws {RequestError} 503 when a shard or D1 cannot be reached; its message says whether anything was changed.
 * @throws what `commit` threw when D1 refused the change, or it is no matter of D1. Nothing was changed.
 */
export async function changeRoutingAt<Result>(
  place: RoutingPlace,
  commit: (record: CommitRecord) => Promise<Result>,
  { commitMs = defaultCommitMs }: CommitOptions = {},
): Promise<Result> {
  for (let announcements = 1; ; announcements += 1) {
    try {
      return await changeOnce(place, { commit, commitMs });
    } catch (error) {
      if (!isUnannounced(error)) throw error;
      if (announcements === announcementsMax)
        throw notChanged("The event shards are growing, so nothing was changed. Try again.", {
          cause: error,
        });
    }
  }
}

async function changeOnce<Result>(
  { db, shardsWanted, shardsOf }: RoutingPlace,
  attempt: CommitAttempt<Result>,
): Promise<Result> {
  const id = crypto.randomUUID();
  const shards = await announce(shardsOf, await countShards(db, shardsWanted), id);
  const committed = await tryCommit(db, { id, announcedTo: shards.length }, attempt);
  switch (committed.outcome) {
    case "committed":
      await afterAnswer(tellAll(shards, "apply", id));
      return committed.result;
    case "lost":
      await afterAnswer(tellAll(shards, "apply", id));
      throw notChanged(
        "The change was made, but the database's answer was lost. Look before you repeat it.",
        {
          cause: committed.error,
        },
      );
    case "void":
      await afterAnswer(tellAll(shards, "withdraw", id));
      if (!isTransient(committed.error)) throw committed.error;
      throw notChanged("The database did not take the change, so nothing was changed. Try again.", {
        cause: committed.error,
      });
    case "unknown":
      await afterAnswer(tellAll(shards, "abandon", id));
      throw notChanged(
        "The database stopped answering: it is unknown whether the change was made. Look before you repeat it.",
        { cause: committed.error },
      );
  }
}

/**
 * How many shards there are. This writes to the row without changing it, so that a database that is gone or takes no writes is
 * noticed before anything is announced: publishing goes on as if nobody had asked.
 */
async function countShards(db: D1Database, wanted: number): Promise<number> {
  try {
    const shards = await withTimeout(
      repeatTransient(() =>
        db
          .prepare(`UPDATE routing SET shards = shards RETURNING ${shardsAnnouncedTo} AS shards`)
          .first<number>("shards"),
      ),
    );
    // Before there is any, the first to be made goes by the configuration.
    return shards === null || shards === 0 ? wanted : shards;
  } catch (cause) {
    throw notChanged("The database did not take the change, so nothing was changed. Try again.", { cause });
  }
}

/**
 * @param count how many shards D1 knows of. Shards may know of more: then D1 was restored from a backup.
 * @returns those that have written it down. @throws {RequestError} 503 when not all have. Those that have are told to forget it.
 */
async function announce(
  shardsOf: RoutingPlace["shardsOf"],
  count: number,
  id: string,
): Promise<readonly ShardStub[]> {
  const shards = shardsOf(count);
  const told = await Promise.allSettled(shards.map((stub) => announceTo(stub, id)));
  const failed = told.filter((result) => result.status === "rejected");
  if (failed.length > 0) {
    await afterAnswer(tellAll(shards, "withdraw", id));
    throw notChanged(
      `${failed.length} of ${shards.length} event shards could not be told of the change, so nothing was changed. Try again.`,
      { cause: failed[0]?.reason },
    );
  }
  const known = Math.max(...told.map((result) => (result.status === "fulfilled" ? (result.value ?? 0) : 0)));
  return known > count ? announce(shardsOf, known, id) : shards;
}

async function announceTo(stub: ShardStub, id: string): Promise<number | null> {
  for (let call = 1; ; call += 1) {
    try {
      return await withTimeout(stub().announce(id), announceMs);
    } catch (error) {
      if (call === announcesMax || isOverloaded(error)) throw error;
    }
  }
}

async function tryCommit<Result>(
  db: D1Database,
  { id, announcedTo }: { id: string; announcedTo: number },
  { commit, commitMs }: CommitAttempt<Result>,
): Promise<Commit<Result>> {
  try {
    const result = await withTimeout(
      repeatTransient(() => commit(commitRecord(id, { at: Date.now(), announcedTo }))),
      commitMs,
    );
    return { outcome: "committed", result };
  } catch (error) {
    return { outcome: await settle(db, id), error };
  }
}

/** Finds out whether a change was committed. If not, it never will be: a batch that is still under way fails. */
async function settle(db: D1Database, id: string): Promise<"void" | "lost" | "unknown"> {
  try {
    const committed = await withTimeout(repeatTransient(() => voidChanges(db, [id], Date.now())));
    return committed.length > 0 ? "lost" : "void";
  } catch {
    // The failure that led here is the one that is told.
    return "unknown";
  }
}

/** A shard that is not told finds out by itself: when it is asked next, or from its alarm. */
async function tellAll(
  shards: readonly ShardStub[],
  what: "withdraw" | "abandon" | "apply",
  id: string,
): Promise<void> {
  const told = await Promise.allSettled(shards.map(async (stub) => withTimeout(stub()[what](id))));
  for (const result of told) {
    if (result.status === "rejected") {
      log("warn", "event shard not told of a change", { what, error: String(result.reason) });
    }
  }
}

/** Logs why, and says it to whoever asked for the change. */
function notChanged(message: string, options: ErrorOptions): RequestError {
  log("error", "routing not changed", { error: String(options.cause), answer: message });
  return unavailable(message, { retryAfterS, ...options });
}
