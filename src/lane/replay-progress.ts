/** What is told of a replay: how far it has come, and what it sends. */
import type { ReplayKind, ReplayRow } from "./replay-table";

/**
 * How far a replay has come. `queued` is a lower bound where it is not `isExact`; `sent` counts what was given up, too,
 * and `givenUp` only that. `stopped`: a person ended it before all was sent. `retryAt`: the next one has failed `failures`
 * times in this replay and is tried again then, in ms; null where none has.
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
 * A replay in the list of a webhook's. `since`, `until` (excluded): the times of acceptance that it was asked for, null
 * where it was not asked for by time. `startedAt` is null where an earlier version of the gateway started it. All in ms.
 */
export type ListedReplay = ReplayProgress & {
  id: string;
  kind: ReplayKind;
  since: number | null;
  until: number | null;
  startedAt: number | null;
};

/** `next`: pass it as `before` for the next page; null at the end. */
export type ReplayPage = { replays: ListedReplay[]; next: number | null };

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

export function listedReplay(row: ReplayRow): ListedReplay {
  const { id, kind, since, until, started_at: startedAt } = row;
  return { ...progressOf(row), id, kind, since, until, startedAt };
}
