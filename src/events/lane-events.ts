/** The implementation of `EventsPort`, through which lanes use the events layer. */
import type { EventsPort } from "../lane/events-port";
import { publishAnnouncement } from "./announce";
import { archiveCompleteSince } from "./archive-retention";
import { readMatchingEvents } from "./missing-events";

/** @param env of the Worker that the lane runs in. @returns the port, backed by D1 and dispatch. */
export function laneEvents(env: Env): EventsPort {
  return {
    publish: (announcement, aboutWebhook) => publishAnnouncement(env, announcement, aboutWebhook),
    readMatching: (webhookUuid, range) => readMatchingEvents(env.DB, webhookUuid, range),
    completeSince: () => archiveCompleteSince(env.DB),
  };
}
