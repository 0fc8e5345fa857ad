/** The implementation of `EventsPort`, through which lanes use the events layer. */
import type { EventsPort } from "../lane/events-port";
import { publishAnnouncement } from "./announce";
import { archiveCompleteSince, readMatchingEvents } from "./missing-events";

/** @param env of the Worker that the lane runs in. @returns the port, backed by the event shards and D1. */
export function laneEvents(env: Env): EventsPort {
  return {
    publish: (announcement, aboutWebhook) => publishAnnouncement(env, announcement, aboutWebhook),
    readMatching: (webhookUuid, range) => readMatchingEvents(env, webhookUuid, range),
    completeSince: () => archiveCompleteSince(env),
  };
}
