/** Starting a replay of what was accepted in a time, and saying beforehand how many deliveries it has. */
import type { LaneStorage, OpenLane } from "./lane-storage";
import { countMissing } from "./missing-events";
import type { QueuedCount } from "./replay-selection";
import type { Replays, SequenceRange, TimeRange } from "./replays";

/** What is to be sent again, by its time of acceptance: dead letters, all that is finished, or what never reached the lane. */
export type ReplayRange = TimeRange & { kind: "dead" | "all" | "missing" };

/** `id`: the replay's uuid, which whoever may ask twice chooses; one that there is already is not started again. */
export type ReplayRequest = ReplayRange & { id?: string };

/** `earliest`: the lane keeps, or the archive has, nothing older (ms). `unknown`: the webhook was deleted. */
type Refused = { outcome: "tooEarly"; earliest: number } | { outcome: "unknown" };

/** `queued` is exact up to 1,000 and else a lower bound; `isNew`: it was not there before. */
export type ReplayStarted = { outcome: "started"; id: string; queued: number; isNew: boolean } | Refused;

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
  // The same request may have been faster.
  const meanwhile = startedBefore(storage.replays, id);
  if (meanwhile !== null) return meanwhile;
  const now = Date.now();
  const range = { since, until, queued, isExact };
  if (kind === "missing") storage.replays.addMissing(id, range, now);
  else storage.replays.add(id, kind, { ...range, ...sequencesOf(storage, request, now) }, now);
  return { outcome: "started", id, queued, isNew: true };
}

/** How many deliveries a replay would have now, found with bounded work. @throws when the archive cannot be read. */
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
 * @returns the replay's uuid and how many dead letters are in it; null when there are none (any more).
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

/** Each kind reaches back as far as what it sends is kept: dead letters longer than delivered ones. */
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
  // Acceptance times never go back, and the clock may: what is accepted already lies before any later time.
  const to = until > now ? outbox.lastSequence : days.firstSequenceSince(until) - 1;
  return { from: days.firstSequenceSince(since), to };
}

function startedBefore(replays: Replays | undefined, id: string): ReplayStarted | null {
  const progress = replays?.progress(id) ?? null;
  return progress && { outcome: "started", id, queued: progress.queued, isNew: false };
}
