/** A publish in its shard: what is known, what is archived, and who matches. */
import type { Event } from "../parse-events";
import type { Topic } from "../matching";
import { bytesOf } from "./event-tables";
import type { ShardStore } from "./shard-store";
import type {
  EarlierEvent,
  Match,
  PublishAnswer,
  PublishedEvent,
  PublishRequest,
  RoutedWebhook,
} from "./types";
import type { SeenEvent } from "./uuid-pages";

/** Events to archive. `earlier`: those that were archived elsewhere, before the shard accepted any that belongs to it. */
type ArchivedRequest = Pick<PublishRequest, "at" | "events" | "places" | "publisher"> & {
  now: number;
  earlier: ReadonlyMap<string, EarlierEvent>;
};

/** The routing that the shard goes by. */
export type Routing = { readonly version: number; match(topics: readonly Topic[]): Match[] };

/** So long after its first acceptance a repeat is taken for one that was never acknowledged: it goes to whoever matches now. */
const repeatMs = 600_000;

const clockToleranceMs = 5000;

const encoder = new TextEncoder();

/**
 * Archives those events that the shard does not know, or none of them if any is known with another text. Synchronous: to be
 * run as one transaction, with routing that is current. A repeat whose text was dropped cannot be told from a conflict: it
 * counts as a repeat.
 */
export function archiveEvents(
  store: ShardStore,
  routing: Routing,
  { at: requestedAt, events, places, publisher, now, earlier }: ArchivedRequest,
): PublishAnswer {
  const known = store.seen.find(events.map(({ uuid }) => uuid));
  const uuids = conflictsOf(store, events, { known, earlier });
  if (uuids.length > 0) return { outcome: "conflict", uuids };
  const at = store.tables.timeOf(isPlausible(requestedAt, now) ? requestedAt : now);
  const routingVersion = routing.version;
  for (const [index, event] of events.entries()) {
    if (known.has(event.uuid) || earlier.has(event.uuid)) continue;
    const id = store.tables.append(
      rowOf(event, { publisher, routingVersion, place: places[index] ?? 0 }),
      at,
    );
    store.tables.addBytes(id, bytesOf(encoder.encode(event.body).length));
    store.seen.add(event.uuid, { id, acceptedAt: at, routingVersion });
  }
  const matches = new Matches(routing, events);
  const published = events.map((event): PublishedEvent => {
    const seen = known.get(event.uuid) ?? earlier.get(event.uuid);
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

/** The text that a shard has of an event; null where it does not know it, or not its text any more. */
export function textOf(
  { tables }: ShardStore,
  uuid: string,
  { known, earlier }: { known: ReadonlyMap<string, SeenEvent>; earlier: ReadonlyMap<string, EarlierEvent> },
): string | null {
  const seen = known.get(uuid);
  if (seen === undefined) return earlier.get(uuid)?.body ?? null;
  return tables.read(seen.id)?.body ?? null;
}

/** The uuids of those events that are known with another text. */
function conflictsOf(
  store: ShardStore,
  events: readonly Event[],
  seen: { known: ReadonlyMap<string, SeenEvent>; earlier: ReadonlyMap<string, EarlierEvent> },
): string[] {
  const conflicts = events.filter(({ uuid, body }) => {
    const text = textOf(store, uuid, seen);
    return text !== null && text !== body;
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

/** Whether a caller's clock can be believed: the parts of a request in several shards then have one time. */
function isPlausible(at: number, now: number): boolean {
  return Math.abs(at - now) <= clockToleranceMs;
}

function rowOf(
  event: Event,
  {
    publisher,
    routingVersion,
    place,
  }: { publisher: PublishRequest["publisher"]; routingVersion: number; place: number },
) {
  const { uuid, type, projectUuid, jobUuid, timestamp, body } = event;
  return {
    routing_version: routingVersion,
    place,
    uuid,
    type,
    project_uuid: projectUuid,
    job_uuid: jobUuid,
    timestamp,
    publisher,
    body,
  };
}
