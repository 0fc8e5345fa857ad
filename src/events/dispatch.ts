/** From accepted events to their webhooks' lanes: archive, match, hand over. */
import { archiveStatements, type KnownEvent } from "../db/archive";
import { anyWideStatement, appendWideHandovers } from "../db/handovers";
import { type Match, type MatchedWebhook, matchesMax, matchStatements, type Topic } from "../db/matching";
import type { HandedEvent } from "../delivery/handover";
import { atMost } from "./at-most";
import { handToLane } from "./hand-to-lane";
import { log } from "../log";
import type { Event } from "./parse-events";

/** Without the archive, how far back a lane looks for a repeat: publishers repeat within minutes. */
const repeatWindowMs = 86_400_000;

/** How many lanes are called at once. */
export const lanesAtOnce = 50;

/**
 * What became of one event. `deliveries`: how many webhooks it is newly delivered to. `duplicate`: the archive
 * knew the uuid and no lane took it anew.
 */
export type Accepted = { uuid: string; duplicate: boolean; deliveries: number };

/** Either all are accepted, or none: `conflicts` are uuids that are known with another text. */
export type Dispatched = { accepted: Accepted[] } | { conflicts: string[] };

/**
 * Accepts up to 100 events, in order. When it returns `accepted`, every delivery is on disk: in its lane, or in
 * D1's table `handovers`. Idempotent by uuid, so a caller repeats it after any exception.
 * @param options.exceptWebhook the uuid of a webhook that gets none of them.
 * @throws when D1 cannot be reached.
 */
export async function dispatch(
  env: Env,
  events: readonly Event[],
  { exceptWebhook }: { exceptWebhook?: string } = {},
): Promise<Dispatched> {
  const unique = new Map<string, Event>();
  for (const event of events) {
    const first = unique.get(event.uuid);
    if (first === undefined) unique.set(event.uuid, event);
    else if (first.body !== event.body) return { conflicts: [event.uuid] };
  }
  const looked = await lookUp(env, [...unique.values()], exceptWebhook);
  if (looked.conflicts.length > 0) return { conflicts: looked.conflicts };

  const deliveries = await handOver(env, looked);
  const answered = new Set<string>();
  return {
    accepted: events.map(({ uuid }) => {
      const repeatedHere = answered.has(uuid);
      answered.add(uuid);
      const count = repeatedHere ? 0 : (deliveries.get(uuid) ?? 0);
      return {
        uuid,
        duplicate: repeatedHere || (looked.firstAcceptedAt.has(uuid) && count === 0),
        deliveries: count,
      };
    }),
  };
}

/** What D1 says, in one round trip. */
type LookedUp = {
  conflicts: string[];
  /** Of the uuids that the archive knew, when it first accepted them. */
  firstAcceptedAt: Map<string, number>;
  acceptedAt: number;
  /** False when the archive could not be written: then nothing tells a first acceptance from a repeat. */
  isArchived: boolean;
  /** Each event, with the webhooks that match it. */
  matched: { event: Event; webhooks: MatchedWebhook[]; total: number }[];
  /** Whether earlier events are still being handed over in pages. */
  wide: boolean;
};

async function lookUp(env: Env, events: Event[], exceptWebhook?: string): Promise<LookedUp> {
  const acceptedAt = Date.now();
  const { topics, topicOf } = groupByTopic(events);
  const archive = archiveStatements(env.DB, events, acceptedAt);
  const match = matchStatements(env.DB, topics);
  const reads = [archive.known, match.matches, match.webhooks, anyWideStatement(env.DB)];
  const { results, isArchived } = await archiveAndRead(env, archive.keep, reads);
  const [known, matches, webhooks, wide] = results;
  const knownEvents = rowsOf<KnownEvent>(known);
  const firstAcceptedAt = new Map(knownEvents.map((row) => [row.uuid, row.accepted_at]));
  const byId = new Map(rowsOf<MatchedWebhook>(webhooks).map((webhook) => [webhook.id, webhook]));
  const byTopic = Map.groupBy(rowsOf<Match>(matches), (row) => row.topic);
  return {
    conflicts: knownEvents.filter((row) => row.differs === 1).map((row) => row.uuid),
    firstAcceptedAt,
    acceptedAt,
    isArchived,
    matched: events.map((event) => {
      const rows = byTopic.get(topicOf(event)) ?? [];
      // A repeat goes only to subscriptions that stood when it was first accepted.
      const first = firstAcceptedAt.get(event.uuid) ?? Number.POSITIVE_INFINITY;
      const counted = rows.filter((row) => row.since <= first);
      const found = counted
        .map((row) => byId.get(row.webhook_id))
        .filter((webhook) => webhook !== undefined)
        .filter((webhook) => webhook.uuid !== exceptWebhook);
      return { event, webhooks: found, total: rows[0]?.total ?? 0 };
    }),
    wide: rowsOf<{ wide: number }>(wide)[0]?.wide === 1,
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

/** @returns how many webhooks each event is newly delivered to, by uuid. */
async function handOver(env: Env, looked: LookedUp): Promise<Map<string, number>> {
  const { matched, firstAcceptedAt } = looked;
  const deliveries = new Map<string, number>();
  const firstWide = looked.wide ? 0 : matched.findIndex(({ total }) => total > matchesMax);
  const direct = firstWide < 0 ? matched : matched.slice(0, firstWide);

  const shares = new Map<MatchedWebhook, HandedEvent[]>();
  for (const { event, webhooks } of direct) {
    for (const webhook of webhooks) {
      const share = shares.get(webhook) ?? [];
      shares.set(webhook, share);
      share.push(handedEvent(event, looked));
    }
  }
  await atMost(lanesAtOnce, [...shares], async ([webhook, share]) => {
    const fresh = await handToLane(env, webhook, share);
    for (const [index, { uuid }] of share.entries()) {
      if (fresh[index]) deliveries.set(uuid, (deliveries.get(uuid) ?? 0) + 1);
    }
  });

  if (firstWide >= 0) {
    // Nothing overtakes: what comes behind a wide event waits with it.
    const wide = matched.slice(firstWide);
    const appended = await appendWideHandovers(
      env.DB,
      wide.map(({ event }) => event.uuid),
    );
    if (appended < wide.length) throw new Error("Events for very many webhooks could not be kept in D1.");
    await env.EVENTS.send({ handover: null }).catch((error) =>
      log("warn", "hand-over left to cron", { error: String(error) }),
    );
    for (const { event, total } of wide) {
      if (!firstAcceptedAt.has(event.uuid)) deliveries.set(event.uuid, total);
    }
  }
  return deliveries;
}

function handedEvent(event: Event, looked: LookedUp): HandedEvent {
  const { uuid, type, projectUuid, jobUuid, body } = event;
  const firstAcceptedAt = looked.firstAcceptedAt.get(uuid);
  return {
    uuid,
    type,
    projectUuid,
    jobUuid,
    body,
    firstAcceptedAt: firstAcceptedAt ?? looked.acceptedAt - (looked.isArchived ? 0 : repeatWindowMs),
    maybeKnown: firstAcceptedAt !== undefined || !looked.isArchived,
  };
}

function groupByTopic(events: Event[]): { topics: Topic[]; topicOf: (event: Event) => number } {
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
