/**
 * Counts and fetches missing events: archived events that match a webhook's subscriptions but never reached its lane.
 */
import { gatewayTypePrefix } from "./announcements";
import type { ArchivePage } from "./events-port";
import type { HandoverEvent } from "./handover";
import type { LaneStorage, OpenLane } from "./lane-storage";
import type { QueuedCount } from "./replay-selection";
import type { ReplayHead, TimeRange } from "./replays";
import { clockSkewMs } from "./seen-events";

/** Events per page of the archive: their texts (100 KiB at most) must fit in memory together. */
const pageEvents = 200;
/** Counting ends at so many events, or after so many pages. Each page needs two queries of D1. */
const countedMax = 1000;
const countedPagesMax = 25;

/** @returns how many missing events were accepted in a time range. @throws when the archive cannot be read. */
export async function countMissing(lane: OpenLane, range: TimeRange): Promise<QueuedCount> {
  let queued = 0;
  let after: string | null = "0";
  for (let pages = 0; after !== null && queued < countedMax && pages < countedPagesMax; pages++) {
    const page: ArchivePage = await readMatching(lane, { after, ...range });
    const storage = lane.storage();
    queued += storage === null ? 0 : missingOf(storage, page.events).length;
    after = page.next;
  }
  const isExact = after === null && queued <= countedMax;
  return { queued: Math.min(queued, countedMax), isExact };
}

/**
 * Accepts the next missing events of a replay. The replay ends when there are none. @throws when the archive cannot be
 * read.
 */
export async function fetchMissing(lane: OpenLane, head: ReplayHead & { kind: "fetch" }): Promise<void> {
  const page = await readMatching(lane, {
    after: head.archiveCursor,
    since: head.archiveSince,
    until: head.archiveUntil,
  });
  const storage = lane.storage();
  // The replay may have been stopped meanwhile.
  if (storage === null || !storage.replays.isRunning(head.position)) return;
  lane.atomically(() => {
    const accepted = storage.outbox.acceptForReplay(missingOf(storage, page.events), Date.now());
    storage.replays.fetched(head.position, { ...accepted, archiveCursor: page.next });
  });
}

/**
 * @param events in the order of their first acceptance. @returns those that never reached the lane. Events that it may
 *   have had before pruning are left out, also if they were pruned while the replay was running. Events about a webhook
 *   are not delivered to that webhook, so that a failing webhook cannot trigger itself.
 */
function missingOf(storage: LaneStorage, events: readonly HandoverEvent[]): HandoverEvent[] {
  const { config, prunedThrough } = storage.record;
  const own = config?.webhook.uuid;
  // The clocks of the archive and the lane may differ.
  const knownFrom = prunedThrough === 0 ? 0 : prunedThrough + clockSkewMs;
  return storage.seenEvents
    .missingOf(events.filter(({ firstAcceptedAt }) => firstAcceptedAt >= knownFrom))
    .filter(({ type, body }) => !type.startsWith(gatewayTypePrefix) || webhookOf(body) !== own);
}

/** @param body of an event of the gateway, as made by `Announcements.add`. @returns the uuid of its webhook. */
function webhookOf(body: string): string | undefined {
  return (JSON.parse(body) as { webhook?: { uuid?: string } }).webhook?.uuid;
}

function readMatching(lane: OpenLane, range: TimeRange & { after: string }): Promise<ArchivePage> {
  const webhook = lane.storage()?.record.config?.webhook.uuid ?? "";
  return lane.events.readMatching(webhook, { ...range, limit: pageEvents });
}
