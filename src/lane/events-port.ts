/**
 * What a lane needs of events. The code that knows events lies above the lane and calls it, so that the entry of the
 * Worker hands this in (`src/index.ts`).
 */
import type { Announcement } from "./announcements";
import type { HandoverEvent } from "./handover";

/** A page of archived events, and the cursor of the next one; null at the end. */
export type ArchivePage = { events: HandoverEvent[]; next: string | null };

/** `after`: the cursor, "0" at the beginning; `since`, `until`: times of acceptance in ms, `until` excluded. */
export type ArchiveRange = { after: string; since: number; until: number; limit: number };

/** Every call throws when the store of events cannot be reached, and may be repeated. */
export type EventsPort = {
  /** Publishes an event of the gateway's own, under its uuid, to every webhook but the one that it is about. */
  publish(announcement: Announcement, aboutWebhook: string): Promise<void>;
  /** Archived events that a webhook's subscriptions match today; there may be none on a page, and a next page. */
  readMatching(webhookUuid: string, range: ArchiveRange): Promise<ArchivePage>;
  /** Since when (ms) the archive has every event: older ones may have been forgotten. */
  completeSince(): Promise<number>;
};
