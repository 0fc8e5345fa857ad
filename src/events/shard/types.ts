/** What the Worker and an event shard say to each other. Every value crosses RPC as it is. */
import type { Event } from "../parse-events";
import type { Publisher } from "../publisher";

/** A webhook as routing knows it. `version`: of its configuration. `waits`: hand-overs wait in D1, so that new ones go there. */
export type RoutedWebhook = { id: number; uuid: string; version: number; waits: boolean };

/**
 * A webhook that matches a topic, which is named by its index. `sinceVersion`: the routing version under which the oldest
 * matching subscription was made.
 */
export type Match = { topic: number; webhook: RoutedWebhook; sinceVersion: number };

/**
 * One publish, or the part of it that belongs to this shard: events with different uuids. `shards`: how many the caller believes
 * there are. `at`: when the caller got it, in ms; `places`: the place of each event in the whole request: they put events of
 * several shards in order.
 */
export type PublishRequest = {
  shards: number;
  publisher: Publisher;
  at: number;
  events: Event[];
  places: number[];
};

/**
 * What a shard says of one event. `firstAcceptedAt`: ms; `isKnown`: the shard had its uuid already; `webhooks`: who matches
 * it, as indexes into the answer's `webhooks`.
 */
export type PublishedEvent = { uuid: string; firstAcceptedAt: number; isKnown: boolean; webhooks: number[] };

/**
 * An event that a shard knows and did not accept itself. `acceptedAt`: ms; `routingVersion`: under which it was accepted;
 * `body`: null where the text cannot be read any more.
 */
export type EarlierEvent = { acceptedAt: number; routingVersion: number; body: string | null };

/** What became of a publish. */
export type PublishAnswer =
  | { outcome: "archived"; routingVersion: number; webhooks: RoutedWebhook[]; events: PublishedEvent[] }
  /** Uuids that are known with another text: nothing of this part was archived. */
  | { outcome: "conflict"; uuids: string[] }
  /** The caller believes in another number of shards: it is this one. */
  | { outcome: "resharded"; shards: number }
  /** Something cannot be told that the answer depends on. The publisher must repeat. */
  | { outcome: "unavailable"; because: string };
