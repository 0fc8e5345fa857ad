/** Dispatch: archives accepted events, matches them to webhooks and hands them over to the webhooks' lanes. */
import { appendBulkHandovers } from "./handovers";
import { type MatchedWebhook, matchesMax } from "./matching";
import type { HandoverEvent } from "../lane/handover";
import { log } from "../platform/log";
import { forEachConcurrent } from "../platform/concurrency";
import { handOverToLane } from "./hand-over-to-lane";
import { type MatchedBatch, archiveAndMatch } from "./archive-and-match";
import type { Event } from "./parse-events";
import type { Publisher } from "./publisher";

/** How many lanes are called at once. */
export const lanesAtOnce = 50;

/**
 * An accepted event. `deliveries`: how many new deliveries it has. `duplicate`: the archive had the uuid already, and no
 * new delivery was created.
 */
export type AcceptedEvent = { uuid: string; duplicate: boolean; deliveries: number };

/** All events are accepted, or none: `conflicts` are uuids of earlier events with another text. */
export type DispatchResult = { accepted: AcceptedEvent[] } | { conflicts: string[] };

/**
 * Accepts up to 100 events, in order. When it returns `accepted`, every delivery is on disk: in its lane, or in
 * the table `handovers`. Idempotent by uuid: the caller repeats it after an exception.
 * @param options.publisher is archived with the events.
 * @param options.exceptWebhook the uuid of a webhook that must not get them.
 * @returns one `AcceptedEvent` per event, in the same order.
 * @throws when D1 cannot be reached.
 */
export async function dispatch(
  env: Env,
  events: readonly Event[],
  { publisher, exceptWebhook }: { publisher: Publisher; exceptWebhook?: string },
): Promise<DispatchResult> {
  const unique = new Map<string, Event>();
  for (const event of events) {
    const first = unique.get(event.uuid);
    if (first === undefined) unique.set(event.uuid, event);
    else if (first.body !== event.body) return { conflicts: [event.uuid] };
  }
  const batch = await archiveAndMatch(env, [...unique.values()], publisher);
  if (batch.conflicts.length > 0) return { conflicts: batch.conflicts };

  const deliveries = await handOver(env, batch, exceptWebhook);
  const answered = new Set<string>();
  return {
    accepted: events.map(({ uuid }) => {
      const repeatedHere = answered.has(uuid);
      answered.add(uuid);
      const count = repeatedHere ? 0 : (deliveries.get(uuid) ?? 0);
      return {
        uuid,
        duplicate: repeatedHere || (batch.firstAcceptedAt.has(uuid) && count === 0),
        deliveries: count,
      };
    }),
  };
}

/** @returns the number of new deliveries of each event, by uuid; events without any are absent. */
async function handOver(
  env: Env,
  batch: MatchedBatch,
  exceptWebhook: string | undefined,
): Promise<Map<string, number>> {
  const { matched, firstAcceptedAt } = batch;
  const deliveries = new Map<string, number>();
  const firstBulk = batch.isBulkPending ? 0 : matched.findIndex(({ total }) => total > matchesMax);
  const direct = firstBulk < 0 ? matched : matched.slice(0, firstBulk);

  const shares = new Map<MatchedWebhook, HandoverEvent[]>();
  for (const { event, webhooks } of direct) {
    for (const webhook of webhooks) {
      if (webhook.uuid === exceptWebhook) continue;
      const share = shares.get(webhook) ?? [];
      shares.set(webhook, share);
      share.push(handoverEvent(event, batch));
    }
  }
  await forEachConcurrent(lanesAtOnce, [...shares], async ([webhook, share]) => {
    const fresh = await handOverToLane(env, webhook, share);
    for (const [index, { uuid }] of share.entries()) {
      if (fresh[index]) deliveries.set(uuid, (deliveries.get(uuid) ?? 0) + 1);
    }
  });

  if (firstBulk >= 0) {
    // Later events wait behind a bulk hand-over as well, so that the order is kept.
    const bulk = matched.slice(firstBulk);
    const appended = await appendBulkHandovers(
      env.DB,
      bulk.map(({ event }) => event.uuid),
    );
    if (appended < bulk.length) throw new Error("Events for a bulk hand-over are not in the archive.");
    await env.EVENTS.send({ handover: null }).catch((error) =>
      log("warn", "hand-over left to cron", { error: String(error) }),
    );
    for (const { event, total } of bulk) {
      if (!firstAcceptedAt.has(event.uuid)) deliveries.set(event.uuid, total);
    }
  }
  return deliveries;
}

function handoverEvent(event: Event, batch: MatchedBatch): HandoverEvent {
  const { uuid, type, projectUuid, jobUuid, body } = event;
  const firstAcceptedAt = batch.firstAcceptedAt.get(uuid);
  return {
    uuid,
    type,
    projectUuid,
    jobUuid,
    body,
    firstAcceptedAt: firstAcceptedAt ?? batch.acceptedAt,
    // An event that could not be archived may come again: the lane notes what comes as a possible repeat.
    maybeKnown: firstAcceptedAt !== undefined || !batch.isArchived,
  };
}
