/** The progress of replays, for the API and the pages. */
import type { ReplayKind, ReplayRow } from "./replay-table";

/**
 * The progress of a replay. `queued`: the number of its deliveries, or a lower bound if not `isExact`. `sent`:
 * delivered or given up. `givenUp`: given up. `stopped`: a person ended it before all deliveries were sent. `retryAt`:
 * when the next delivery, which has failed `failures` times in this replay, is retried, in ms; null when it has not
 * failed.
 */
export type ReplayProgress = {
  queued: number;
  isExact: boolean;
  sent: number;
  givenUp: number;
  done: boolean;
  stopped: boolean;
  failures: number;
  retryAt: number | null;
};

/**
 * A replay in a list. `since`, `until` (excluded): its time range, null for a replay without one. `startedAt`: null
 * when an earlier version of the gateway started it. Times in ms.
 */
export type ListedReplay = ReplayProgress & {
  id: string;
  kind: ReplayKind;
  since: number | null;
  until: number | null;
  startedAt: number | null;
};

/** A page of replays. `next`: the `before` of the next page; null at the end. */
export type ReplayPage = { replays: ListedReplay[]; next: number | null };

/** @returns the progress in a row. */
export function progressOf(row: ReplayRow): ReplayProgress {
  const { queued, sent, attempts: failures } = row;
  const done = row.done === 1;
  return {
    queued: Math.max(queued, sent),
    isExact: done || (row.is_exact === 1 && queued >= sent),
    sent,
    givenUp: row.given_up ?? 0,
    done,
    stopped: row.stopped === 1,
    failures,
    retryAt: failures > 0 && !done ? row.next_attempt_at : null,
  };
}

/** @returns a row as in a list. */
export function listedReplay(row: ReplayRow): ListedReplay {
  const { id, kind, since, until, started_at: startedAt } = row;
  return { ...progressOf(row), id, kind, since, until, startedAt };
}
