/**
 * The events that a lane has had, so that repeats are not accepted again, and missing events can be found.
 *
 * New events are accepted within a minute of their first acceptance by the gateway, and found by that time. Events that
 * are accepted in other ways are noted (`RepeatNotes`). A search therefore reads the notes and the deliveries of three
 * minutes, no matter how many deliveries the lane has.
 */
import type { DayTables } from "./day-tables";
import { EventIndex } from "./event-index";
import type { HandoverEvent } from "./handover";
import { RepeatNotes } from "./repeat-notes";

/** How far the clocks of two machines may differ. The real difference is much smaller. */
export const clockSkewMs = 60_000;
/** A hand-over of new events that arrives later than this after their first acceptance is refused. */
const lateAfterMs = 60_000;

/** The most rows of the index that a step of the maintenance builds. Each needs 512 rows read. */
const chunksPerStep = 8;

type SoughtEvent = Pick<HandoverEvent, "uuid" | "firstAcceptedAt">;

/** The seen events of one lane. */
export class SeenEvents {
  readonly #days: DayTables;
  readonly #notes: RepeatNotes;
  readonly #index: EventIndex;

  constructor(sql: SqlStorage, days: DayTables) {
    this.#days = days;
    this.#notes = new RepeatNotes(sql);
    this.#index = new EventIndex(sql, days);
  }

  /** Reads its state from disk again, after a transaction was rolled back. */
  reload(): void {
    this.#notes.reload();
    this.#index.reload();
  }

  /**
   * Finds the events that the lane never had. Of duplicates among them, only the first is new.
   * @param prunedThrough possible repeats first accepted before this time (ms) are never new, because their deliveries
   *   may have been removed.
   * @returns for each event whether it is new.
   */
  areNew(events: readonly HandoverEvent[], prunedThrough: number): boolean[] {
    const possible = events.filter(
      ({ maybeKnown, firstAcceptedAt }) => maybeKnown && firstAcceptedAt >= prunedThrough,
    );
    const noted = this.#notes.find(events.map(({ uuid }) => uuid));
    const had = new Set([...noted.keys(), ...this.#accepted(possible).keys()]);
    return events.map(({ uuid, maybeKnown, firstAcceptedAt }) => {
      if (had.has(uuid) || (maybeKnown && firstAcceptedAt < prunedThrough)) return false;
      // A hand-over may contain an event twice.
      had.add(uuid);
      return true;
    });
  }

  /**
   * Records events that were accepted.
   * @param at.sequence of the first; the others follow. @param at.acceptedAt the time in their rows, in ms.
   */
  noteAccepted(events: readonly HandoverEvent[], at: { sequence: number; acceptedAt: number }): void {
    const day = this.#days.all.at(-1)?.day ?? 0;
    for (const [place, event] of events.entries()) {
      // Times of acceptance never decrease: if the clock was set back, the latest time is used, which may be outside of
      // the window.
      const isFound = !event.maybeKnown && isIn(windowOf(event), at.acceptedAt);
      if (!isFound) this.#notes.add(day, event.uuid, at.sequence + place);
    }
    this.#index.extend(at.sequence + events.length - 1);
  }

  /** Indexes some of the deliveries that are not indexed yet. @returns whether there are more. */
  indexMore(lastSequence: number): boolean {
    return this.#index.extend(lastSequence, chunksPerStep);
  }

  /** @param firstAcceptedAt by the archive, in ms. @returns the sequence number of an event's delivery, or null. */
  find(eventUuid: string, firstAcceptedAt: number): number | null {
    return this.#find([{ uuid: eventUuid, firstAcceptedAt }]).get(eventUuid) ?? null;
  }

  /** @param events in the order of their first acceptance. @returns those that never reached the lane. */
  missingOf(events: readonly HandoverEvent[]): HandoverEvent[] {
    const had = this.#find(events);
    return events.filter((event) => !had.has(event.uuid));
  }

  /** Forgets events whose deliveries were removed, so that they count as missing again. */
  forget(eventUuids: readonly string[]): void {
    this.#notes.forget(eventUuids);
  }

  /** Removes the data of a day that was dropped. @param oldest the first sequence number that may be left. */
  forgetDay(day: number, oldest: number): void {
    this.#notes.dropDay(day);
    this.#index.forgetBefore(oldest);
  }

  #find(events: readonly SoughtEvent[]): Map<string, number> {
    const noted = this.#notes.find(events.map(({ uuid }) => uuid));
    return new Map([...this.#accepted(events.filter(({ uuid }) => !noted.has(uuid))), ...noted]);
  }

  /** @returns the sequence numbers, by uuid, of the events that were accepted as new ones. */
  #accepted(events: readonly SoughtEvent[]): Map<string, number> {
    const found = new Map<string, number>();
    for (const { window, uuids } of groupsOf(events)) {
      const from = this.#days.firstSequenceSince(window.since);
      const to = this.#days.firstSequenceSince(window.until) - 1;
      for (const [uuid, sequence] of this.#index.find(uuids, { from, to })) found.set(uuid, sequence);
    }
    return found;
  }
}

/** Whether a new event is too late to be found by a search: it must be sent again as a possible repeat. */
export function isLate({ maybeKnown, firstAcceptedAt }: HandoverEvent, now: number): boolean {
  return !maybeKnown && now - firstAcceptedAt > lateAfterMs;
}

/** A time range in ms, `until` excluded. */
type Window = { since: number; until: number };

/** @returns the time range in which an event may have been accepted as a new one. */
function windowOf({ firstAcceptedAt }: SoughtEvent): Window {
  return { since: firstAcceptedAt - clockSkewMs, until: firstAcceptedAt + lateAfterMs + clockSkewMs + 1 };
}

function isIn({ since, until }: Window, time: number): boolean {
  return time >= since && time < until;
}

/** Groups events with overlapping windows, which are searched for together. */
function groupsOf(events: readonly SoughtEvent[]): { window: Window; uuids: string[] }[] {
  const groups: { window: Window; uuids: string[] }[] = [];
  for (const event of events.toSorted((a, b) => a.firstAcceptedAt - b.firstAcceptedAt)) {
    const last = groups.at(-1);
    const window = windowOf(event);
    if (last !== undefined && window.since < last.window.until) {
      last.window.until = window.until;
      last.uuids.push(event.uuid);
    } else groups.push({ window, uuids: [event.uuid] });
  }
  return groups;
}
