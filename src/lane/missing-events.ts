/** Events that a webhook should have heard and that never reached its lane: counted, and taken from the archive. */
import { gatewayTypePrefix } from "./announcements";
import type { ArchivePage } from "./events-port";
import type { HandoverEvent } from "./handover";
import type { LaneStorage, OpenLane } from "./lane-storage";
import { queuedMax, type ReplayHead } from "./replays";

/** Events per page of the archive: their texts (100 KiB at most) must fit in memory together. */
const pageEvents = 200;

/** How many there are that were accepted from `since` to before `until` (ms), up to `queuedMax`. */
export async function countMissing(lane: OpenLane, range: { since: number; until: number }): Promise<number> {
  let count = 0;
  for (let after: number | null = 0; after !== null && count < queuedMax;) {
    const page: ArchivePage = await readMatching(lane, { after, ...range });
    const storage = lane.storage();
    count += storage === null ? 0 : missingOf(storage, page.events).length;
    after = page.next;
  }
  return Math.min(count, queuedMax);
}

/** Takes the next ones of a replay; without any, the replay is over. */
export async function fetchMissing(lane: OpenLane, head: ReplayHead & { kind: "fetch" }): Promise<void> {
  const page = await readMatching(lane, {
    after: head.archiveCursor,
    since: head.archiveSince,
    until: head.archiveUntil,
  });
  const storage = lane.storage();
  if (storage === null) return;
  lane.atomically(() => {
    const accepted = storage.outbox.acceptForReplay(missingOf(storage, page.events), Date.now());
    storage.replays.fetched(head.position, { ...accepted, archiveCursor: page.next });
  });
}

/** Events about a webhook are not delivered to that webhook, so that a failing webhook cannot trigger itself. */
function missingOf(storage: LaneStorage, events: readonly HandoverEvent[]): HandoverEvent[] {
  const own = storage.record.config?.webhook.uuid;
  return storage.seenEvents
    .missingOf(events)
    .filter(({ type, body }) => !type.startsWith(gatewayTypePrefix) || webhookOf(body) !== own);
}

/** Of an event of the gateway's own, which has the shape that `Announcements.add` gives it. */
function webhookOf(body: string): string | undefined {
  return (JSON.parse(body) as { webhook?: { uuid?: string } }).webhook?.uuid;
}

function readMatching(
  lane: OpenLane,
  range: { after: number; since: number; until: number },
): Promise<ArchivePage> {
  const webhook = lane.storage()?.record.config?.webhook.uuid ?? "";
  return lane.events.readMatching(webhook, { ...range, limit: pageEvents });
}
