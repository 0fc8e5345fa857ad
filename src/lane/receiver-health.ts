/**
 * Whether a webhook's receiver is up, judged from all partitions together. The state is kept on disk with the lane's record, so
 * that an eviction changes neither how often a lane probes nor how long it waits. Pure: time and chance are arguments.
 */
import { longestDelayMs, retryDelayMs } from "./retry-policy";

/** Failures in a row, of two partitions at least, from which on the receiver counts as down. */
const downAfterFailures = 5;

/** How often a kind of probe has failed, and when the next one may go, in ms. */
type Backoff = { failures: number; notBefore: number };

/**
 * While the receiver counts as down, it is probed: by `retry` of what waits, and by `fresh` of what was accepted since the
 * latest failure, in a partition that has not failed. Each kind has its own back-off, so that a healthy partition's first
 * delivery does not wait for deliveries that have failed for hours. One probe of each kind goes at a time, and one in all
 * once a fresh one has failed (`areProbesShared`). `since`: in ms.
 */
type Down = { since: number; retry: Backoff; fresh: Backoff };

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
  /** Null while the receiver counts as up. */
  down: Down | null;
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
    // A probe of one kind has just failed: one of the other kind need not ask again so soon.
    case "retry": {
      const retry = backoff(down.retry.failures + 1);
      const { fresh } = down;
      return { ...down, retry, fresh: areProbesShared(down) ? later(fresh, backoff(fresh.failures)) : fresh };
    }
    case "fresh": {
      const fresh = backoff(down.fresh.failures + 1);
      return {
        ...down,
        fresh,
        retry: later(down.retry, backoff(Math.max(down.retry.failures, fresh.failures))),
      };
    }
  }
}

function later(a: Backoff, b: Backoff): Backoff {
  return b.notBefore > a.notBefore ? b : a;
}

/**
 * Whether one probe at a time is enough: what was accepted since the receiver counts as down has failed, too. Until then
 * the deliveries that failed may be all that it refuses, and a fresh one does not wait for them.
 */
export function areProbesShared({ fresh }: Down): boolean {
  return fresh.failures > 0;
}

/**
 * @param startedAt when the attempt that succeeded began: one that was under way when the receiver asked to be left alone
 *   does not take that back.
 */
export function afterSuccess(health: ReceiverHealth, startedAt: number): ReceiverHealth {
  const asked = health.asked !== null && startedAt <= health.asked.at ? health.asked : null;
  return asked === null ? healthy : { ...healthy, asked };
}

/**
 * When a delivery that waits for a retry is tried next, as far as is known, in ms: while its receiver counts as down or asked
 * to be left alone, not before the next probe, and never in the past.
 * @param retryAt its own retry time, in ms.
 */
export function expectedRetryAt(retryAt: number, { asked, down }: ReceiverHealth, now: number): number {
  if (asked === null && down === null) return retryAt;
  return Math.max(retryAt, down?.retry.notBefore ?? 0, asked?.until ?? 0, now);
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
