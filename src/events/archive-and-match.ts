/** Archives incoming events and finds the webhooks that match them, for new events in one round trip to D1. */
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

/** The events of a request, with what the archive has of them and the webhooks that match them. Times in ms. */
export type MatchedBatch = {
  /** Uuids that the archive has with another text. If there are any, no event was archived. */
  conflicts: string[];
  /** For uuids that the archive had already: when they were first accepted. */
  firstAcceptedAt: Map<string, number>;
  acceptedAt: number;
  /** False when the archive could not be written. First acceptances and repeats cannot be told apart then. */
  isArchived: boolean;
  /**
   * Each event with the webhooks that match it, in order of creation, at most `matchesMax` + 1. `total`: how many there
   * are.
   */
  matched: { event: Event; webhooks: MatchedWebhook[]; total: number }[];
  /** Whether earlier bulk hand-overs are pending. False as well when no webhook matches. */
  isBulkPending: boolean;
};

/**
 * Archives the events that are new, all or (on a conflict) none, and matches all of them.
 * @param events with different uuids. @param publisher is archived with the new ones.
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
  const seen = repeated.length === 0 ? [] : await readSeenEvents(env.DB, repeated);
  const firstAcceptedAt = new Map(seen.map((row) => [row.uuid, row.accepted_at]));
  const archivedText = new Map(seen.map((row) => [row.uuid, row.body]));
  const conflicts = events.filter(({ uuid, body }) => (archivedText.get(uuid) ?? body) !== body);
  // Cron may have emptied a slot of the archive between the two round trips.
  if (stored !== null && conflicts.length === 0 && seen.length < repeated.length) {
    throw new Error("Archived events were pruned while they were published again.");
  }
  const matchesOf = matchesByTopic(found);
  return {
    conflicts: conflicts.map(({ uuid }) => uuid),
    firstAcceptedAt,
    acceptedAt,
    isArchived: stored !== null,
    matched: events.map((event) => {
      const matches = matchesOf.get(topicOf(event)) ?? [];
      // A repeat goes only to subscriptions that existed when it was first accepted.
      const first = firstAcceptedAt.get(event.uuid) ?? Number.POSITIVE_INFINITY;
      const webhooks = matches.filter(({ since }) => since <= first).map(({ webhook }) => webhook);
      return { event, webhooks, total: matches[0]?.total ?? 0 };
    }),
    isBulkPending: found.some((webhook) => webhook.any_bulk === 1),
  };
}

/**
 * Archives events and finds matching webhooks in one transaction. When the archive cannot be written, for example because
 * D1 is full, events are matched only, so that they are still delivered.
 * @returns `stored`: the uuids of newly archived events; null when the archive could not be written.
 */
async function storeAndFindWebhooks(
  env: Env,
  {
    events,
    topics,
    ...accepted
  }: { events: readonly Event[]; topics: Topic[]; acceptedAt: number; publisher: Publisher },
): Promise<{ found: FoundWebhook[]; stored: Set<string> | null }> {
  const archive = archiveNew(env.DB, events, accepted);
  const match = matchStatement(env.DB, topics);
  try {
    const [matched, ...inserted] = await env.DB.batch<FoundWebhook>([match, ...archive.statements]);
    return { found: matched?.results ?? [], stored: archive.stored(inserted) };
  } catch (error) {
    log("error", "events not archived", { error: String(error) });
    const [matched] = await env.DB.batch<FoundWebhook>([match]);
    return { found: matched?.results ?? [], stored: null };
  }
}

/** A webhook that matches a topic. `since`: when its subscription was created (ms). `total`: how many webhooks match. */
type Match = { webhook: MatchedWebhook; since: number; total: number };

/** @returns by the index of each topic, the webhooks that match it, in order of creation. */
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
