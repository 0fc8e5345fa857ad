/** Archived events that match a webhook's subscriptions, in order of acceptance, from all shards and the old archive. */
import type { ArchivePage, ArchiveRange } from "../lane/events-port";
import type { HandoverEvent } from "../lane/handover";
import { withTimeout } from "../platform/timeouts";
import { waitingOf } from "./handovers";
import { mergePages, type SourcePage } from "./merge-pages";
import { matchOldEvents } from "./old-archive/matching-events";
import { oldCompleteSince } from "./old-archive/retention";
import { countShards } from "./shard-count";
import { shardStub } from "./shard/shard-of";

/**
 * The fewest events that a source is asked for. A page needs all sources' texts in memory, so that each gives only its
 * share of the page; with a smaller share, many shards would give very short pages.
 */
const sourceEventsMin = 4;
const nothing: SourcePage<HandoverEvent> = { items: [], next: null, coveredTo: 0 };

/**
 * The events of one page that match the webhook's current subscriptions. A page may be empty and still have a next one.
 * Events with an unfinished hand-over to the webhook are left out.
 * @throws when D1 or a shard cannot be reached: nothing may be left out silently.
 */
export async function readMatchingEvents(
  env: Env,
  webhookUuid: string,
  { after, since, until, limit }: ArchiveRange,
): Promise<ArchivePage> {
  const webhookId = await withTimeout(
    env.DB.prepare("SELECT id FROM webhooks WHERE uuid = ?").bind(webhookUuid).first<number>("id"),
  );
  if (webhookId === null) return { events: [], next: null };
  const before = parseCursor(after);
  const shards = Math.max(await countShards(env), before.length - 1);
  const left = shards + 1 - before.filter((from) => from === null).length;
  const limitEach = Math.max(sourceEventsMin, Math.ceil(limit / left));
  const pages = await Promise.all(
    Array.from({ length: shards + 1 }, async (_, place): Promise<SourcePage<HandoverEvent>> => {
      const from = place < before.length ? before[place] : 0;
      if (from === null || from === undefined) return nothing;
      const range = { after: from, since, until, limit: limitEach };
      if (place === 0) return withTimeout(matchOldEvents(env.DB, webhookId, range));
      const page = await withTimeout<SourcePage<HandoverEvent> | null>(
        shardStub(env, place - 1).readMatching(webhookId, range),
      );
      if (page === null) throw new Error("A change of webhooks is under way and D1 cannot be reached.");
      return page;
    }),
  );
  const begun = pages.map((_, place) => before[place] ?? 0);
  const { items, cursors } = mergePages(pages, { limit, order: "oldest", before: begun });
  const uuids = items.map(({ uuid }) => uuid);
  const waiting = await withTimeout(waitingOf(env.DB, webhookId, uuids));
  return {
    events: items.filter(({ uuid }) => !waiting.has(uuid)),
    next: cursors.every((cursor) => cursor === null) ? null : cursors.map((cursor) => cursor ?? "").join(","),
  };
}

/**
 * The time (ms) since which every event can be read: older ones may have been removed. @throws when D1 or a shard
 * cannot be reached.
 */
export async function archiveCompleteSince(env: Env): Promise<number> {
  const shards = await countShards(env);
  const since = await Promise.all([
    oldCompleteSince(env.DB),
    ...Array.from({ length: shards }, async (_, shard) =>
      withTimeout<number>(shardStub(env, shard).completeSince()),
    ),
  ]);
  return Math.max(...since);
}

/**
 * One cursor for the old archive and each shard, empty at its end. A single number is a cursor from before there were
 * shards.
 */
function parseCursor(text: string): (number | null)[] {
  return text.split(",").map((id) => (id === "" ? null : Number(id)));
}
