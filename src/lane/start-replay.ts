/** Starts replays, and counts the deliveries that a replay would have. */
import type { LaneStorage, OpenLane } from "./lane-storage";
import { countMissing } from "./missing-events";
import type { QueuedCount } from "./replay-selection";
import type { Replays, SequenceRange, TimeRange } from "./replays";

/** The deliveries to replay, by time of acceptance: dead letters, all finished ones, or missing events. */
export type ReplayRange = TimeRange & { kind: "dead" | "all" | "missing" };

/**
 * A request for a replay. `id`: the replay's uuid, chosen by callers who may repeat the request: a replay that exists
 * is not started again.
 */
export type ReplayRequest = ReplayRange & { id?: string };

/**
 * Why a replay was not started. `earliest`: the lane or the archive has nothing older (ms). `unknown`: the webhook was
 * deleted.
 */
type Refused = { outcome: "tooEarly"; earliest: number } | { outcome: "unknown" };

/**
 * The result of starting a replay. `queued`: exact up to 1,000, above that a lower bound. `isNew`: false when it
 * existed already.
 */
export type ReplayStarted = { outcome: "started"; id: string; queued: number; isNew: boolean } | Refused;

/** The result of counting a replay's deliveries. */
export type ReplayCounted = ({ outcome: "counted" } & QueuedCount) | Refused;

/** Adds a replay to the queue. @throws when the archive cannot be read. */
export async function startReplay(lane: OpenLane, request: ReplayRequest): Promise<ReplayStarted> {
  const { kind, since, until, id = crypto.randomUUID() } = request;
  const before = startedBefore(lane.storage()?.replays, id);
  if (before !== null) return before;
  const counted = await countReplay(lane, request);
  const storage = lane.storage();
  if (storage === null) return { outcome: "unknown" };
  if (counted.outcome !== "counted") return counted;
  const { queued, isExact } = counted;
  // A concurrent equal request may have started it.
  const meanwhile = startedBefore(storage.replays, id);
  if (meanwhile !== null) return meanwhile;
  const now = Date.now();
  const range = { since, until, queued, isExact };
  if (kind === "missing") storage.replays.addMissing(id, range, now);
  else storage.replays.add(id, kind, { ...range, ...sequencesOf(storage, request, now) }, now);
  return { outcome: "started", id, queued, isNew: true };
}

/** Counts the deliveries that a replay would have now, with bounded work. @throws when the archive cannot be read. */
export async function countReplay(lane: OpenLane, range: ReplayRange): Promise<ReplayCounted> {
  const storage = lane.storage();
  if (storage === null) return { outcome: "unknown" };
  const { kind, since } = range;
  const earliest = await earliestOf(lane, storage, kind);
  if (since < earliest) return { outcome: "tooEarly", earliest };
  if (kind === "missing") return { outcome: "counted", ...(await countMissing(lane, range)) };
  const sequences = sequencesOf(storage, range, Date.now());
  return { outcome: "counted", ...storage.replays.selection.count(kind, sequences) };
}

/**
 * Starts a replay of the dead letters with these sequences, or of all.
 * @returns the replay's uuid and the number of its dead letters; null when there are none.
 */
export function startDeadReplay(
  storage: LaneStorage | null,
  sequences: readonly number[] | undefined,
): { id: string; queued: number } | null {
  const queued = storage?.counters.dead ?? 0;
  if (storage === null || queued === 0) return null;
  const { replays, outbox } = storage;
  const now = Date.now();
  if (sequences !== undefined) return replays.addPicked(sequences, now);
  return { id: replays.addAllDead(outbox.lastSequence, queued, now), queued };
}

/**
 * @returns the earliest time (ms) from which a kind of replay can start: dead letters are kept longer than delivered
 *   ones.
 */
async function earliestOf(
  lane: OpenLane,
  { record }: LaneStorage,
  kind: ReplayRange["kind"],
): Promise<number> {
  switch (kind) {
    case "dead":
      return record.deadPrunedThrough;
    case "all":
      return record.prunedThrough;
    case "missing":
      return Math.max(record.prunedThrough, await lane.events.completeSince());
  }
}

function sequencesOf({ days, outbox }: LaneStorage, { since, until }: TimeRange, now: number): SequenceRange {
  // Times of acceptance never decrease, but the clock may be set back. For an end in the future, all deliveries count.
  const to = until > now ? outbox.lastSequence : days.firstSequenceSince(until) - 1;
  return { from: days.firstSequenceSince(since), to };
}

function startedBefore(replays: Replays | undefined, id: string): ReplayStarted | null {
  const progress = replays?.progress(id) ?? null;
  return progress && { outcome: "started", id, queued: progress.queued, isNew: false };
}
