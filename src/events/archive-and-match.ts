/**
 * What D1 says of incoming events, mostly in one round trip that archives them, too: are they known, and who hears them.
 */
import { archiveNew, readSeenEvents } from "./archive";
import {
  type FoundWebhook,
  type TopicMatch,
  type MatchedWebhook,
  matchStatement,
  type Topic,
} from "./matching";
import { log } from "../platform/log";
import type { Event } from "./parse-events";
import type { Publisher } from "./publisher";

/** What D1 says of some events. */
export type MatchedBatch = {
  /** Uuids that are known with another text: when there are any, none of the events was archived. */
  conflicts: string[];
  /** Of the uuids that the archive knew, when it first accepted them. */
  firstAcceptedAt: Map<string, number>;
  acceptedAt: number;
  /** False when the archive could not be written: then nothing tells a first acceptance from a repeat. */
  isArchived: boolean;
  /** Each event, with the webhooks that match it. */
  matched: { event: Event; webhooks: MatchedWebhook[]; total: number }[];
  /** Whether earlier events are still being handed over in pages; false also when nobody hears these. */
  wide: boolean;
};

/**
 * Looks events up and archives those that are new, all or (with a conflict) none.
 * @param events with different uuids. @param publisher is kept with those that are new.
 * @throws when D1 cannot be reached.
 */
export async function archiveAndMatch(
  env: Env,
  events: readonly Event[],
  publisher: Publisher,
): Promise<MatchedBatch> {
  const acceptedAt = Date.now();
  const { topics, topicOf } = groupByTopic(events);
  const { found, stored } = await storeAndFindWebhooks(env, { events, topics, acceptedAt, publisher });
  const repeated = events.filter(({ uuid }) => !stored?.has(uuid)).map(({ uuid }) => uuid);
  const known = repeated.length === 0 ? [] : await readSeenEvents(env.DB, repeated);
  const firstAcceptedAt = new Map(known.map((row) => [row.uuid, row.accepted_at]));
  const knownText = new Map(known.map((row) => [row.uuid, row.body]));
  const conflicts = events.filter(({ uuid, body }) => (knownText.get(uuid) ?? body) !== body);
  // Cron may have emptied a slot of the archive between the two round trips.
  if (stored !== null && conflicts.length === 0 && known.length < repeated.length) {
    throw new Error("Events that the archive knew have left it meanwhile.");
  }
  const matchesOf = matchesByTopic(found);
  return {
    conflicts: conflicts.map(({ uuid }) => uuid),
    firstAcceptedAt,
    acceptedAt,
    isArchived: stored !== null,
    matched: events.map((event) => {
      const matches = matchesOf.get(topicOf(event)) ?? [];
      // A repeat goes only to subscriptions that stood when it was first accepted.
      const first = firstAcceptedAt.get(event.uuid) ?? Number.POSITIVE_INFINITY;
      const webhooks = matches.filter(({ since }) => since <= first).map(({ webhook }) => webhook);
      return { event, webhooks, total: matches[0]?.total ?? 0 };
    }),
    wide: found.some((webhook) => webhook.any_bulk === 1),
  };
}

/**
 * Archives events and finds out who hears them, atomically. An archive that cannot be written (D1 is full, say) does not
 * stop deliveries: then only the latter is done.
 * @returns `stored`: the uuids of those that are in the archive from now on; null when it could not be written.
 */
async function storeAndFindWebhooks(
  env: Env,
  {
    events,
    topics,
    ...accepted
  }: { events: readonly Event[]; topics: Topic[]; acceptedAt: number; publisher: Publisher },
): Promise<{ found: FoundWebhook[]; stored: Set<string> | null }> {
  const keep = archiveNew(env.DB, events, accepted);
  const match = matchStatement(env.DB, topics);
  try {
    const [matched, ...kept] = await env.DB.batch<FoundWebhook>([match, ...keep.statements]);
    return { found: matched?.results ?? [], stored: keep.stored(kept) };
  } catch (error) {
    log("error", "events not archived", { error: String(error) });
    const [matched] = await env.DB.batch<FoundWebhook>([match]);
    return { found: matched?.results ?? [], stored: null };
  }
}

/** A webhook that matches a topic, `since` when, and how many (`total`) do. */
type Match = { webhook: MatchedWebhook; since: number; total: number };

/** Of each topic, by its index, the webhooks that match it, in order of creation. */
function matchesByTopic(found: readonly FoundWebhook[]): Map<number, Match[]> {
  const matches = found.flatMap((webhook) =>
    (JSON.parse(webhook.matches) as TopicMatch[]).map(([topic, since, total]) => ({
      topic,
      webhook,
      since,
      total,
    })),
  );
  return Map.groupBy(matches, ({ topic }) => topic);
}

function groupByTopic(events: readonly Event[]): { topics: Topic[]; topicOf: (event: Event) => number } {
  const indexes = new Map<string, number>();
  const topics: Topic[] = [];
  for (const event of events) {
    if (indexes.has(topicKey(event))) continue;
    indexes.set(topicKey(event), topics.length);
    topics.push(event);
  }
  return { topics, topicOf: (event) => indexes.get(topicKey(event)) ?? -1 };
}

function topicKey({ type, projectUuid, jobUuid }: Topic): string {
  return `${type} ${projectUuid} ${jobUuid}`;
}
