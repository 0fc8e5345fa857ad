/** What D1 says of incoming events, in one round trip that archives them, too: are they known, and who hears them. */
import { archiveStatements, type KnownEvent } from "../db/archive";
import {
  type FoundWebhook,
  type Heard,
  type MatchedWebhook,
  matchStatement,
  type Topic,
} from "../db/matching";
import { log } from "../log";
import type { Event } from "./parse-events";

/** What D1 says of some events. */
export type LookedUp = {
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
 * @param events with different uuids.
 * @throws when D1 cannot be reached.
 */
export async function lookUp(env: Env, events: readonly Event[]): Promise<LookedUp> {
  const acceptedAt = Date.now();
  const { topics, topicOf } = groupByTopic(events);
  const archive = archiveStatements(env.DB, events, acceptedAt);
  const reads = [archive.known, matchStatement(env.DB, topics)];
  const { results, isArchived } = await archiveAndRead(env, archive.keep, reads);
  const [known, webhooks] = results;
  const found = rowsOf<FoundWebhook>(webhooks);
  const knownEvents = rowsOf<KnownEvent>(known);
  const firstAcceptedAt = new Map(knownEvents.map((row) => [row.uuid, row.accepted_at]));
  const knownText = new Map(knownEvents.map((row) => [row.uuid, row.body]));
  const matchesOf = matchesByTopic(found);
  return {
    conflicts: events
      .filter(({ uuid, body }) => (knownText.get(uuid) ?? body) !== body)
      .map(({ uuid }) => uuid),
    firstAcceptedAt,
    acceptedAt,
    isArchived,
    matched: events.map((event) => {
      const matches = matchesOf.get(topicOf(event)) ?? [];
      // A repeat goes only to subscriptions that stood when it was first accepted.
      const first = firstAcceptedAt.get(event.uuid) ?? Number.POSITIVE_INFINITY;
      const webhooks = matches.filter(({ since }) => since <= first).map(({ webhook }) => webhook);
      return { event, webhooks, total: matches[0]?.total ?? 0 };
    }),
    wide: found.some((webhook) => webhook.any_wide === 1),
  };
}

/**
 * Writes the archive and reads the rest, atomically. An archive that cannot be written (D1 is full, say) does not
 * stop deliveries: then only the reading is done.
 */
async function archiveAndRead(
  env: Env,
  keep: D1PreparedStatement[],
  reads: D1PreparedStatement[],
): Promise<{ results: D1Result[]; isArchived: boolean }> {
  const [known, ...rest] = reads;
  if (known === undefined) return { results: [], isArchived: false };
  try {
    const [first, ...others] = await env.DB.batch([known, ...keep, ...rest]);
    const read = others.slice(keep.length);
    return { results: first === undefined ? read : [first, ...read], isArchived: true };
  } catch (error) {
    log("error", "events not archived", { error: String(error) });
    return { results: await env.DB.batch(reads), isArchived: false };
  }
}

/** A webhook that matches a topic, `since` when, and how many (`total`) do. */
type Match = { webhook: MatchedWebhook; since: number; total: number };

/** Of each topic, by its index, the webhooks that match it, in order of creation. */
function matchesByTopic(found: readonly FoundWebhook[]): Map<number, Match[]> {
  const matchesOf = new Map<number, Match[]>();
  for (const webhook of found) {
    for (const [topic, since, total] of JSON.parse(webhook.hears) as Heard[]) {
      const matches = matchesOf.get(topic) ?? [];
      matchesOf.set(topic, matches);
      matches.push({ webhook, since, total });
    }
  }
  return matchesOf;
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

/** D1's batch is typed as one kind of row for all statements: each result's type is stated where it is read. */
function rowsOf<Row>(result: D1Result | undefined): Row[] {
  return (result?.results ?? []) as Row[];
}
