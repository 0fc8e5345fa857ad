/** Dispatch: has the event shards archive accepted events and say who hears them, and hands them over to those webhooks' lanes. */
import type { HandoverEvent } from "../lane/handover";
import { handOver, type Share } from "./hand-over";
import type { Event } from "./parse-events";
import { type ArchivedEvent, publishToShards } from "./publish-to-shards";
import type { Publisher } from "./publisher";

/**
 * An accepted event. `deliveries`: how many new deliveries it has. `duplicate`: its shard had the uuid already, and no new
 * delivery was created.
 */
export type AcceptedEvent = { uuid: string; duplicate: boolean; deliveries: number };

/** All events are accepted, or none is delivered: `conflicts` are uuids of earlier events with another text. */
export type DispatchResult = { accepted: AcceptedEvent[] } | { conflicts: string[] };

/**
 * Accepts up to 100 events, in order. When it returns `accepted`, every delivery is on disk: in its lane, or in D1's
 * table `handovers`. Idempotent by uuid: the caller repeats it after an exception. In the steady state it asks no D1.
 * @param options.publisher is archived with the events.
 * @param options.exceptWebhook the uuid of a webhook that must not get them.
 * @returns one `AcceptedEvent` per event, in the same order.
 * @throws {RequestError} 503 when a shard cannot be reached, or a lane and D1 neither.
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
  const batch = await publishToShards(env, [...unique.values()], publisher);
  if ("conflicts" in batch) return batch;

  const deliveries = new Map<string, number>();
  await handOver(env, sharesOf(batch.events, exceptWebhook), ({ uuid }) => {
    deliveries.set(uuid, (deliveries.get(uuid) ?? 0) + 1);
  });
  const isKnown = new Map(batch.events.map((one) => [one.event.uuid, one.isKnown]));
  const answered = new Set<string>();
  return {
    accepted: events.map(({ uuid }) => {
      const repeatedHere = answered.has(uuid);
      answered.add(uuid);
      const count = repeatedHere ? 0 : (deliveries.get(uuid) ?? 0);
      return {
        uuid,
        duplicate: repeatedHere || (isKnown.get(uuid) === true && count === 0),
        deliveries: count,
      };
    }),
  };
}

/** @returns what each webhook hears, in the order of the events. */
function sharesOf(events: readonly ArchivedEvent[], exceptWebhook: string | undefined): Share[] {
  const shares = new Map<number, Share>();
  for (const archived of events) {
    const event = handoverEvent(archived);
    for (const webhook of archived.webhooks) {
      if (webhook.uuid === exceptWebhook) continue;
      const share = shares.get(webhook.id) ?? { webhook, events: [] };
      shares.set(webhook.id, share);
      share.events.push(event);
    }
  }
  return [...shares.values()];
}

function handoverEvent({ event, firstAcceptedAt, isKnown }: ArchivedEvent): HandoverEvent {
  const { uuid, type, projectUuid, jobUuid, body } = event;
  return { uuid, type, projectUuid, jobUuid, body, firstAcceptedAt, maybeKnown: isKnown };
}
