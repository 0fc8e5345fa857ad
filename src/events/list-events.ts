/** Lists of events, newest first, from all event shards and the old archive in D1. */
import { unavailable } from "../platform/errors";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import type { ArchivedEvent, ArchiveFilters } from "./archived-event";
import { mergePages, type SourcePage } from "./merge-pages";
import { listOldArchive } from "./old-archive/list";
import { countShards } from "./shard-count";
import { shardStub } from "./shard/shard-of";

/** Where a list continues, in the old archive and in each shard: before an id; 0: not started; null: at its end. */
export type ListCursor = (number | null)[];

/** `before`: `next` of the previous page. `withNames`: include names and titles, which are made from texts. */
export type ListQuery = ArchiveFilters & { limit: number; before?: ListCursor; withNames?: boolean };

/**
 * An event of a list. Names are null if the text has none or without `withNames`. `title`: a summary in one sentence;
 * absent without `withNames`.
 */
export type ListedEvent = ArchivedEvent & {
  projectName: string | null;
  jobName: string | null;
  title?: string;
};

/** A page of events. */
export type EventPage = {
  events: ListedEvent[];
  /** Null at the end. */
  next: ListCursor | null;
  /** All events that were accepted from this time (ms) on can be listed; null when there are none. */
  reachesBackTo: number | null;
  /**
   * The numbers of the event shards that did not respond: their events are not on the page, and may be on a later one.
   */
  unavailableShards: number[];
};

/**
 * The page of one source. `newest`: the id of its newest event, to start from. `reachesBackTo`: when its oldest event was
 * accepted (ms); null when it has none. `completeSince`: it has lost no event that was accepted from this time (ms) on; absent
 * when it has lost none.
 */
export type ListedPage = SourcePage<ListedEvent> & {
  newest: number;
  reachesBackTo: number | null;
  completeSince?: number;
};

/** Reads a page of one source before an id (0: from its newest event on). */
type Source = (before: number) => Promise<ListedPage>;

/**
 * @returns a page of events. It may have fewer events than `limit`, or none, and still a next page.
 * @throws {RequestError} 503 when no shard can be reached. @throws when D1 cannot be reached.
 */
export async function listEvents(env: Env, query: ListQuery): Promise<EventPage> {
  const { before: begin = [], ...filters } = query;
  const shards = Math.max(await countShards(env), begin.length - 1);
  // Shards that were added after the first page had no event then.
  const before =
    begin.length === 0 ? [] : Array.from({ length: shards + 1 }, (_, place) => begin[place] ?? null);
  const sources: Source[] = [
    (id) => listOldArchive(env.DB, { ...filters, before: id }),
    ...Array.from({ length: shards }, (_, shard): Source => {
      return async (id) => withTimeout<ListedPage>(shardStub(env, shard).list({ ...filters, before: id }));
    }),
  ];
  const asked = await Promise.allSettled(
    sources.map(async (source, place) => {
      const from = before[place];
      return from === null ? null : source(from ?? 0);
    }),
  );
  const unavailableShards = failedShards(asked);
  if (unavailableShards.length === shards)
    throw unavailable("No event shard answered. Try again.", { retryAfterS: 1 });
  return mergedPage(asked, { before, limit: query.limit, unavailableShards });
}

function failedShards(asked: readonly PromiseSettledResult<unknown>[]): number[] {
  return asked.flatMap((result, place) => {
    if (result.status === "fulfilled") return [];
    if (place === 0) throw result.reason;
    log("warn", "event shard did not answer", { shard: place - 1, error: String(result.reason) });
    return [place - 1];
  });
}

const nothing: ListedPage = { items: [], next: null, coveredTo: 0, newest: 0, reachesBackTo: null };

function mergedPage(
  asked: readonly PromiseSettledResult<ListedPage | null>[],
  { before, limit, unavailableShards }: { before: ListCursor; limit: number; unavailableShards: number[] },
): EventPage {
  const pages = asked.map((result) => (result.status === "fulfilled" ? (result.value ?? nothing) : nothing));
  // Events that are accepted between two pages are not part of the list.
  const begun = pages.map(({ newest }, place) => {
    const from = before[place];
    return from === null ? null : from || newest + 1;
  });
  const merged = mergePages(pages, { limit, order: "newest", before: begun });
  const cursors = merged.cursors.map((cursor, place) =>
    unavailableShards.includes(place - 1) ? (before[place] ?? 0) : cursor,
  );
  const isEnd = cursors.every((cursor) => cursor === null);
  const losses = pages.flatMap(({ completeSince }) => completeSince ?? []);
  const reaches = pages.flatMap(({ reachesBackTo }) => reachesBackTo ?? []);
  return {
    events: merged.items,
    next: isEnd ? null : cursors,
    reachesBackTo: reaches.length === 0 ? null : Math.max(Math.min(...reaches), ...losses),
    unavailableShards,
  };
}

/** @returns the cursor as text. */
export function cursorText(cursor: ListCursor): string {
  return cursor.map((id) => id ?? "").join("-");
}

/** @returns null for a text that is no cursor. */
export function parseListCursor(text: string): ListCursor | null {
  if (!/^\d{0,15}(-\d{0,15}){1,256}$/.test(text)) return null;
  return text.split("-").map((id) => (id === "" ? null : Number(id)));
}
