/**
 * Which events a lane has had: repeats are not accepted again, and what is missing can be told from what is not.
 *
 * New events are accepted within a minute of their first acceptance by the gateway, and found by that time. Whatever is
 * accepted otherwise is noted (`RepeatNotes`). So a search reads the notes and what was accepted within three minutes,
 * however much the lane holds.
 */
import type { DayTables } from "./day-tables";
import { EventIndex } from "./event-index";
import type { HandoverEvent } from "./handover";
import { RepeatNotes } from "./repeat-notes";

/** How far the clocks of two of Cloudflare's machines may be apart: generous. */
export const clockSkewMs = 60_000;
/** A hand-over of new events that arrives so long after their first acceptance is refused. */
const lateAfterMs = 60_000;

/** How much of the index a step of the maintenance makes: 512 rows are read for each. */
const chunksPerStep = 8;

type SoughtEvent = Pick<HandoverEvent, "uuid" | "firstAcceptedAt">;

export class SeenEvents {
  readonly #days: DayTables;
  readonly #notes: RepeatNotes;
  readonly #index: EventIndex;

  constructor(sql: SqlStorage, days: DayTables) {
    this.#days = days;
    this.#notes = new RepeatNotes(sql);
    this.#index = new EventIndex(sql, days);
  }

  /** Reads anew what is in memory, after a transaction was undone. */
  reload(): void {
    this.#notes.reload();
    this.#index.reload();
  }

  /**
   * Of these events, those that the lane never had, each once.
   * @param prunedThrough what was first accepted before this time (ms) may have been here, and is never new.
   * @returns for each whether it is one of those.
   */
  areNew(events: readonly HandoverEvent[], prunedThrough: number): boolean[] {
    const possible = events.filter(
      ({ maybeKnown, firstAcceptedAt }) => maybeKnown && firstAcceptedAt >= prunedThrough,
    );
    const noted = this.#notes.find(events.map(({ uuid }) => uuid));
    const had = new Set([...noted.keys(), ...this.#accepted(possible).keys()]);
    return events.map(({ uuid, maybeKnown, firstAcceptedAt }) => {
      if (had.has(uuid) || (maybeKnown && firstAcceptedAt < prunedThrough)) return false;
      // What waits to be handed over may hold an event twice.
      had.add(uuid);
      return true;
    });
  }

  /**
   * Remembers events that were accepted.
   * @param at.sequence of the first; the others follow. @param at.acceptedAt as their rows have it, in ms.
   */
  noteAccepted(events: readonly HandoverEvent[], at: { sequence: number; acceptedAt: number }): void {
    const day = this.#days.all.at(-1)?.day ?? 0;
    for (const [place, event] of events.entries()) {
      // A lane's times never go back: after its clock did, they are those of before.
      const isFound = !event.maybeKnown && isIn(windowOf(event), at.acceptedAt);
      if (!isFound) this.#notes.add(day, event.uuid, at.sequence + place);
    }
    this.#index.extend(at.sequence + events.length - 1);
  }

  /** Indexes some of what was accepted and is not indexed yet. @returns whether there is more. */
  indexMore(lastSequence: number): boolean {
    return this.#index.extend(lastSequence, chunksPerStep);
  }

  /** The sequence of an event's delivery, or null. @param firstAcceptedAt by the archive, in ms. */
  find(eventUuid: string, firstAcceptedAt: number): number | null {
    return this.#find([{ uuid: eventUuid, firstAcceptedAt }]).get(eventUuid) ?? null;
  }

  /** Of these events, in the order of their first acceptance, those that never reached the lane. */
  missingOf(events: readonly HandoverEvent[]): HandoverEvent[] {
    const had = this.#find(events);
    return events.filter((event) => !had.has(event.uuid));
  }

  /** Forgets events whose deliveries were removed: they count as missing again. */
  forget(eventUuids: readonly string[]): void {
    this.#notes.forget(eventUuids);
  }

  /** Forgets what belonged to a day that was dropped. @param oldest the first sequence that may be left. */
  forgetDay(day: number, oldest: number): void {
    this.#notes.dropDay(day);
    this.#index.forgetBefore(oldest);
  }

  #find(events: readonly SoughtEvent[]): Map<string, number> {
    const noted = this.#notes.find(events.map(({ uuid }) => uuid));
    return new Map([...this.#accepted(events.filter(({ uuid }) => !noted.has(uuid))), ...noted]);
  }

  /** Those that were accepted when they were new, with their sequences. */
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

/** Whether new events come too late for what a search looks through: they are to come again as possible repeats. */
export function isLate({ maybeKnown, firstAcceptedAt }: HandoverEvent, now: number): boolean {
  return !maybeKnown && now - firstAcceptedAt > lateAfterMs;
}

/** In ms, `until` excluded. */
type Window = { since: number; until: number };

/** When an event may have been accepted that was new then. */
function windowOf({ firstAcceptedAt }: SoughtEvent): Window {
  return { since: firstAcceptedAt - clockSkewMs, until: firstAcceptedAt + lateAfterMs + clockSkewMs + 1 };
}

function isIn({ since, until }: Window, time: number): boolean {
  return time >= since && time < until;
}

/** Events whose windows overlap are looked for together. */
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
