/** Which events a lane has had already: repeats are not taken again, and what is missing can be told from what is not. */
import type { DayTables } from "./day-tables";
import type { HandoverEvent } from "./handover";

/** How far the clocks of two of Cloudflare's machines may be apart: generous. */
const clockSkewMs = 60_000;

export class SeenEvents {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;
  /** Whether `taken_as_repeat` may hold anything; undefined until it was looked for. */
  #hasRepeats: boolean | undefined;

  constructor(sql: SqlStorage, days: DayTables) {
    this.#sql = sql;
    this.#days = days;
    // Events that were taken although the archive knew them: the first hand-over may still be on its way.
    sql.exec(`CREATE TABLE IF NOT EXISTS taken_as_repeat (
      event_uuid TEXT PRIMARY KEY, sequence INTEGER NOT NULL
    ) WITHOUT ROWID`);
  }

  /**
   * Of these events, those that the lane never had, each once.
   * @param prunedThrough what was first accepted before this time (ms) may have been here, and is never new.
   * @returns for each whether it is one of those.
   */
  areNew(events: readonly HandoverEvent[], prunedThrough: number): boolean[] {
    // What waits to be handed over may hold an event twice.
    const seen = new Set<string>();
    return events.map((event) => {
      if (seen.has(event.uuid) || !this.#isNew(event, prunedThrough)) return false;
      seen.add(event.uuid);
      return true;
    });
  }

  #isNew(event: HandoverEvent, prunedThrough: number): boolean {
    if (this.#tookRepeats() && this.#isTakenAsRepeat(event.uuid)) return false;
    if (!event.maybeKnown) return true;
    return event.firstAcceptedAt >= prunedThrough && this.find(event.uuid, event.firstAcceptedAt) === null;
  }

  /** Notes those of the events that were taken although they might have been known; the first got `sequence`. */
  noteAccepted(events: readonly HandoverEvent[], sequence: number): void {
    for (const [place, { uuid, maybeKnown }] of events.entries()) {
      if (!maybeKnown) continue;
      this.#hasRepeats = true;
      this.#sql.exec("INSERT INTO taken_as_repeat VALUES (?, ?)", uuid, sequence + place);
    }
  }

  /**
   * The sequence of an event's delivery, or null. There is no index by event (it would be a row for each
   * delivery); a repeat is rare, and the search starts where the lane stood when the event was first accepted.
   */
  find(eventUuid: string, firstAcceptedAt: number): number | null {
    const start = this.#days.firstSequenceSince(firstAcceptedAt - clockSkewMs);
    for (const table of this.#days.from(start)) {
      const [found] = this.#sql
        .exec<{ sequence: number }>(
          `SELECT sequence FROM ${table} WHERE sequence >= ? AND event_uuid = ? LIMIT 1`,
          start,
          eventUuid,
        )
        .toArray();
      if (found !== undefined) return found.sequence;
    }
    return null;
  }

  /**
   * Of these events, those that never reached the lane.
   * @param events in the order of their first acceptance.
   */
  missingOf(events: readonly HandoverEvent[]): HandoverEvent[] {
    const [first] = events;
    if (first === undefined) return [];
    const start = this.#days.firstSequenceSince(first.firstAcceptedAt - clockSkewMs);
    const uuids = JSON.stringify(events.map((event) => event.uuid));
    const known = this.#days.from(start).flatMap((table) =>
      this.#sql
        .exec<{ event_uuid: string }>(
          `SELECT event_uuid FROM ${table}
           WHERE sequence >= ? AND event_uuid IN (SELECT value FROM json_each(?))`,
          start,
          uuids,
        )
        .toArray()
        .map((row) => row.event_uuid),
    );
    const knownUuids = new Set(known);
    return events.filter((event) => !knownUuids.has(event.uuid));
  }

  /** Forgets what belonged to deliveries below a sequence: they were pruned. */
  forgetBelow(sequence: number): void {
    this.#sql.exec("DELETE FROM taken_as_repeat WHERE sequence < ?", sequence);
  }

  /** Mostly nothing was ever taken in that way: then no event is looked up. */
  #tookRepeats(): boolean {
    this.#hasRepeats ??= this.#sql.exec("SELECT 1 FROM taken_as_repeat LIMIT 1").toArray().length > 0;
    return this.#hasRepeats;
  }

  #isTakenAsRepeat(eventUuid: string): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM taken_as_repeat WHERE event_uuid = ?", eventUuid).toArray().length > 0
    );
  }
}
