/** A publish in its shard: what is known, what is archived, and who matches. */
import type { Event } from "../parse-events";
import type { Topic } from "../matching";
import { bytesOf } from "./event-tables";
import type { ShardStore } from "./shard-store";
import type { Match, PublishAnswer, PublishedEvent, PublishRequest, RoutedWebhook } from "./types";
import type { SeenEvent } from "./uuid-pages";

/** The routing that the shard goes by. */
export type Routing = { readonly version: number; match(topics: readonly Topic[]): Match[] };

/** So long after its first acceptance a repeat is taken for one that was never acknowledged: it goes to whoever matches now. */
const repeatMs = 600_000;

const encoder = new TextEncoder();

/**
 * Archives those events that the shard does not know, or none of them if any is known with another text. Synchronous: to be
 * run as one transaction, with routing that is current. A repeat whose text was dropped cannot be told from a conflict: it
 * counts as a repeat.
 */
export function archiveEvents(
  store: ShardStore,
  routing: Routing,
  { events, publisher, now }: Pick<PublishRequest, "events" | "publisher"> & { now: number },
): PublishAnswer {
  const known = store.seen.find(events.map(({ uuid }) => uuid));
  const uuids = conflictsOf(store, events, known);
  if (uuids.length > 0) return { outcome: "conflict", uuids };
  const at = store.tables.timeOf(now);
  const routingVersion = routing.version;
  for (const event of events) {
    if (known.has(event.uuid)) continue;
    const id = store.tables.append(rowOf(event, publisher, routingVersion), at);
    store.tables.addBytes(id, bytesOf(encoder.encode(event.body).length));
    store.seen.add(event.uuid, { id, acceptedAt: at, routingVersion });
  }
  const matches = new Matches(routing, events);
  const published = events.map((event): PublishedEvent => {
    const seen = known.get(event.uuid);
    const isLate = seen !== undefined && now - seen.acceptedAt >= repeatMs;
    return {
      uuid: event.uuid,
      firstAcceptedAt: seen?.acceptedAt ?? at,
      isKnown: seen !== undefined,
      webhooks: matches.of(event, isLate ? seen.routingVersion : Number.POSITIVE_INFINITY),
    };
  });
  return { outcome: "archived", routingVersion, webhooks: matches.webhooks, events: published };
}

/** The uuids of those events that are known with another text. @param known from `SeenEvents.find`. */
export function conflictsOf(
  { tables }: ShardStore,
  events: readonly Event[],
  known: ReadonlyMap<string, SeenEvent>,
): string[] {
  const conflicts = events.filter(({ uuid, body }) => {
    const seen = known.get(uuid);
    const stored = seen === undefined ? null : tables.read(seen.id);
    return stored !== null && stored.body !== body;
  });
  return conflicts.map(({ uuid }) => uuid);
}

/** Who matches the events of one publish. */
class Matches {
  /** All that matched any event so far. */
  readonly webhooks: RoutedWebhook[] = [];
  readonly #indexes = new Map<number, number>();
  readonly #topics = new Map<string, number>();
  readonly #byTopic: Map<number, Match[]>;

  constructor(routing: Routing, events: readonly Event[]) {
    const topics: Topic[] = [];
    for (const event of events) {
      if (this.#topics.has(keyOf(event))) continue;
      this.#topics.set(keyOf(event), topics.length);
      const { type, projectUuid, jobUuid } = event;
      topics.push({ type, projectUuid, jobUuid });
    }
    this.#byTopic = Map.groupBy(routing.match(topics), ({ topic }) => topic);
  }

  /** @returns indexes into `webhooks`, of those whose subscription is not newer than a routing version. */
  of(event: Event, version: number): number[] {
    const matches = this.#byTopic.get(this.#topics.get(keyOf(event)) ?? -1) ?? [];
    return matches
      .filter(({ sinceVersion }) => sinceVersion <= version)
      .map(({ webhook }) => this.#indexOf(webhook));
  }

  #indexOf(webhook: RoutedWebhook): number {
    const known = this.#indexes.get(webhook.id);
    if (known !== undefined) return known;
    this.#indexes.set(webhook.id, this.webhooks.length);
    return this.webhooks.push(webhook) - 1;
  }
}

function keyOf({ type, projectUuid, jobUuid }: Topic): string {
  return `${type} ${projectUuid} ${jobUuid}`;
}

function rowOf(event: Event, publisher: PublishRequest["publisher"], routingVersion: number) {
  const { uuid, type, projectUuid, jobUuid, timestamp, body } = event;
  return {
    routing_version: routingVersion,
    uuid,
    type,
    project_uuid: projectUuid,
    job_uuid: jobUuid,
    timestamp,
    publisher,
    body,
  };
}
