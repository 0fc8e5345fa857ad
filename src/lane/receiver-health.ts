/**
 * Decides whether a webhook's receiver is up, from the attempts of all partitions. The state is stored in the lane's
 * record, so that an eviction changes neither how often a lane probes nor how long it waits. Pure: time and randomness
 * are arguments.
 */
import { longestDelayMs, retryDelayMs } from "./retry-policy";

/** The receiver counts as down after this many failures in a row, from at least two partitions. */
const downAfterFailures = 5;

/** How often a kind of probe has failed, and when the next one may be sent, in ms. */
type Backoff = { failures: number; notBefore: number };

/**
 * While the receiver counts as down, it is probed: by a `retry` of a waiting delivery, and by a `fresh` one that was
 * accepted since the latest failure, in a partition that has not failed. Each kind has its own back-off, so that a
 * healthy partition's first delivery does not wait for deliveries that have failed for hours. One probe of each kind is
 * sent at a time, and only one in all once a fresh one has failed (`areProbesShared`). `since` in ms.
 */
type Down = { since: number; retry: Backoff; fresh: Backoff };

/** The health of a receiver; times in ms. */
export type ReceiverHealth = {
  /** Failures in a row since the last success, in all partitions. */
  failures: number;
  /** The partition of all these failures; null when there are several, or no failures. */
  onlyPartition: string | null;
  /** When the latest failure was recorded. */
  failedAt: number;
  /** The last sequence number at the latest failure. Later deliveries are fresh. */
  seenUpTo: number;
  /** Null while the receiver counts as up. */
  down: Down | null;
  /** The receiver's latest `Retry-After`, and when it came. It applies to all partitions. */
  asked: { at: number; until: number } | null;
};

/** The kind of a probe: see `Down`. */
export type ProbeKind = "retry" | "fresh";

/** The health before any failure. */
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
  /** Failures in a row of this partition, including this one. */
  partitionFailures: number;
  /** Null for an attempt that started before the receiver counted as down. */
  probe: ProbeKind | null;
  /** How long the receiver asked to wait, in ms; null when it did not. */
  askedDelayMs: number | null;
  /** The last sequence number of the lane. */
  lastSequence: number;
  now: number;
  /** From 0 to 1. */
  random: number;
};

/** @returns the health after a failed attempt. */
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
    // A failed probe of one kind also delays the next probe of the other kind.
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
 * Whether only one probe is sent at a time, because a fresh one has failed, too. Until then, the receiver may be
 * refusing only the deliveries that failed, so that fresh ones do not wait for them.
 */
export function areProbesShared({ fresh }: Down): boolean {
  return fresh.failures > 0;
}

/**
 * @param startedAt when the attempt started, in ms. A success that was under way when the receiver asked to wait does
 *   not cancel that. @returns the health after a success.
 */
export function afterSuccess(health: ReceiverHealth, startedAt: number): ReceiverHealth {
  const asked = health.asked !== null && startedAt <= health.asked.at ? health.asked : null;
  return asked === null ? healthy : { ...healthy, asked };
}

/**
 * @returns the expected time of a delivery's next attempt, in ms. While the receiver counts as down or asked to wait,
 *   it is not before the next probe, and not in the past.
 * @param retryAt its own retry time, in ms.
 */
export function expectedRetryAt(retryAt: number, { asked, down }: ReceiverHealth, now: number): number {
  if (asked === null && down === null) return retryAt;
  return Math.max(retryAt, down?.retry.notBefore ?? 0, asked?.until ?? 0, now);
}

/** Whether a success would not change the health. */
export function isHealthy({ failures, asked }: ReceiverHealth): boolean {
  return failures === 0 && asked === null;
}

/** @returns the health with shorter waits if the clock was set back, so that none becomes longer. */
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
