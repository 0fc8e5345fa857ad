/**
 * The operations on events that a lane needs. The events layer is above the lanes and calls them, so that the Worker's
 * entry point injects it (`src/index.ts`).
 */
import type { Announcement } from "./announcements";
import type { HandoverEvent } from "./handover";

/** A page of archived events, and the cursor of the next one; null at the end. */
export type ArchivePage = { events: HandoverEvent[]; next: string | null };

/**
 * A range of archived events. `after`: the cursor, "0" at the beginning. `since`, `until`: times of acceptance in ms,
 * `until` excluded.
 */
export type ArchiveRange = { after: string; since: number; until: number; limit: number };

/** The operations. Each throws when the event shards or D1 cannot be reached, and may be repeated. */
export type EventsPort = {
  /** Publishes an event of the gateway, with its uuid, to every matching webhook except the one that it is about. */
  publish(announcement: Announcement, aboutWebhook: string): Promise<void>;
  /**
   * @returns a page of archived events that match a webhook's current subscriptions. It may be empty and still have a
   *   next page.
   */
  readMatching(webhookUuid: string, range: ArchiveRange): Promise<ArchivePage>;
  /** @returns the time (ms) since which the archive has every event. Older ones may have been removed. */
  completeSince(): Promise<number>;
};
