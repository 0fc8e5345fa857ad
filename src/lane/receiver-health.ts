/**
 * Whether a webhook's receiver is up, judged from all partitions together. The state is kept on disk with the lane's record, so
 * that an eviction changes neither how often a lane probes nor how long it waits. Pure: time and chance are arguments.
 */
import { longestDelayMs, retryDelayMs } from "./retry-policy";

/** Failures in a row, of two partitions at least, from which on the receiver counts as down. */
const downAfterFailures = 5;

/** How often a kind of probe has failed, and when the next one may go, in ms. */
type Backoff = { failures: number; notBefore: number };

/** Times in ms. */
export type ReceiverHealth = {
  /** Failures in a row since the last success, in all partitions. */
  failures: number;
  /** The partition that all of them came from; null when there are several, or none failed. */
  onlyPartition: string | null;
  /** When the latest failure was recorded. */
  failedAt: number;
  /** The last sequence at the latest failure: what came later is fresh evidence. */
  seenUpTo: number;
  /**
   * While the receiver counts as down, one probe of each kind goes at a time: `retry` of what waits, and `fresh` of what
   * was accepted since the latest failure, in a partition that has not failed. Each kind has its own back-off, so that a
   * healthy partition's first delivery does not wait for deliveries that have failed for hours.
   */
  down: { since: number; retry: Backoff; fresh: Backoff } | null;
  /** What the receiver asked for with `Retry-After`, and when: holds for all partitions. */
  asked: { at: number; until: number } | null;
};

export type ProbeKind = "retry" | "fresh";

export const healthy: ReceiverHealth = {
  failures: 0,
  onlyPartition: null,
  failedAt: 0,
  seenUpTo: 0,
  down: null,
  asked: null,
};

/** A failed attempt, as the receiver's health needs it. */
export type Failure = {
  partition: string;
  /** In a row, of this partition, this one included. */
  partitionFailures: number;
  /** Null for an attempt that began before the receiver counted as down. */
  probe: ProbeKind | null;
  /** How long the receiver asked to be left alone; null when it did not. */
  askedDelayMs: number | null;
  /** The last sequence of the lane. */
  lastSequence: number;
  now: number;
  /** From 0 to 1. */
  random: number;
};

export function afterFailure(health: ReceiverHealth, failure: Failure): ReceiverHealth {
  const { partition, askedDelayMs, lastSequence, now } = failure;
  const failures = health.failures + 1;
  const onlyPartition = failures === 1 || health.onlyPartition === partition ? partition : null;
  const askedUntil = askedDelayMs === null ? null : Math.max(now + askedDelayMs, health.asked?.until ?? 0);
  return {
    failures,
    onlyPartition,
    failedAt: now,
    seenUpTo: lastSequence,
    down: downAfter({ ...health, failures, onlyPartition }, failure),
    asked: askedUntil === null ? health.asked : { at: now, until: askedUntil },
  };
}

function downAfter(
  { failures, onlyPartition, down }: Pick<ReceiverHealth, "failures" | "onlyPartition" | "down">,
  { partitionFailures, probe, now, random }: Failure,
): ReceiverHealth["down"] {
  const backoff = (count: number): Backoff => ({
    failures: count,
    notBefore: now + retryDelayMs(count, random),
  });
  if (down === null) {
    if (failures < downAfterFailures || onlyPartition !== null) return null;
    return { since: now, retry: backoff(partitionFailures), fresh: { failures: 0, notBefore: 0 } };
  }
  switch (probe) {
    case null:
      return down;
    case "retry":
      return { ...down, retry: backoff(down.retry.failures + 1) };
    case "fresh": {
      const fresh = backoff(down.fresh.failures + 1);
      // The receiver has just failed a fresh probe: an older delivery need not probe it again so soon.
      const retry = backoff(Math.max(down.retry.failures, fresh.failures));
      return { ...down, fresh, retry: retry.notBefore > down.retry.notBefore ? retry : down.retry };
    }
  }
}

/**
 * @param startedAt when the attempt that succeeded began: one that was under way when the receiver asked to be left alone
 *   does not take that back.
 */
export function afterSuccess(health: ReceiverHealth, startedAt: number): ReceiverHealth {
  const asked = health.asked !== null && startedAt <= health.asked.at ? health.asked : null;
  return asked === null ? healthy : { ...healthy, asked };
}

/** Whether there is anything to be forgotten by a success. */
export function isHealthy({ failures, asked }: ReceiverHealth): boolean {
  return failures === 0 && asked === null;
}

/** The same, after a clock that went back: no wait is longer than it was meant to be. */
export function withClockAt(health: ReceiverHealth, now: number): ReceiverHealth {
  const ahead = Math.max(health.failedAt, health.asked?.at ?? 0) - now;
  if (ahead <= 0) return health;
  const shifted = (backoff: Backoff): Backoff => ({ ...backoff, notBefore: backoff.notBefore - ahead });
  const { down, asked } = health;
  return {
    ...health,
    failedAt: health.failedAt - ahead,
    down: down && {
      since: Math.min(down.since, now),
      retry: shifted(down.retry),
      fresh: shifted(down.fresh),
    },
    asked: asked && { at: now, until: Math.min(asked.until - ahead, now + longestDelayMs) },
  };
}
