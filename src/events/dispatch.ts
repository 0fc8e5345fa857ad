/** Dispatches events: the event shards archive them and match them to webhooks, whose lanes then get them. */
import type { HandoverEvent } from "../lane/handover";
import { handOver, type LaneBatch } from "./hand-over";
import type { Event } from "./parse-events";
import { type ArchivedEvent, publishToShards } from "./publish-to-shards";
import type { Publisher } from "./publisher";

/**
 * An accepted event. `deliveries`: how many new deliveries it has. `duplicate`: its uuid was known, and no new delivery
 * was created.
 */
export type AcceptedEvent = { uuid: string; duplicate: boolean; deliveries: number };

/** Either all events are accepted, or none is delivered. `conflicts`: uuids of earlier events with another text. */
export type DispatchResult = { accepted: AcceptedEvent[] } | { conflicts: string[] };

/**
 * Accepts up to 100 events, in order, within 10 s. When it returns `accepted`, every delivery is stored: in its lane, or in the
 * table `handovers` in D1. Idempotent by uuid: the caller repeats it after an exception. In the steady state it does
 * not query D1.
 * @param options.publisher is archived with the events.
 * @param options.exceptWebhook the uuid of a webhook that must not get them.
 * @returns one `AcceptedEvent` per event, in the same order.
 * @throws {RequestError} 503 when a shard cannot be reached, or neither a lane nor D1.
 */
export async function dispatch(
  env: Env,
  events: readonly Event[],
  { publisher, exceptWebhook }: { publisher: Publisher; exceptWebhook?: string },
): Promise<DispatchResult> {
  const startedAt = Date.now();
  const unique = new Map<string, Event>();
  for (const event of events) {
    const first = unique.get(event.uuid);
    if (first === undefined) unique.set(event.uuid, event);
    else if (first.body !== event.body) return { conflicts: [event.uuid] };
  }
  const batch = await publishToShards(env, [...unique.values()], publisher, startedAt);
  if ("conflicts" in batch) return batch;

  const deliveries = new Map<string, number>();
  const count = ({ uuid }: HandoverEvent): void => {
    deliveries.set(uuid, (deliveries.get(uuid) ?? 0) + 1);
  };
  await handOver(env, laneBatchesOf(batch.events, exceptWebhook), { startedAt, events: batch.events, count });
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

/** @returns the events that each webhook matches, in the order of the request. */
function laneBatchesOf(events: readonly ArchivedEvent[], exceptWebhook: string | undefined): LaneBatch[] {
  const laneBatches = new Map<number, LaneBatch>();
  for (const archived of events) {
    const event = handoverEvent(archived);
    for (const webhook of archived.webhooks) {
      if (webhook.uuid === exceptWebhook) continue;
      const laneBatch = laneBatches.get(webhook.id) ?? { webhook, events: [] };
      laneBatches.set(webhook.id, laneBatch);
      laneBatch.events.push(event);
    }
  }
  return [...laneBatches.values()];
}

function handoverEvent({ event, firstAcceptedAt, isKnown }: ArchivedEvent): HandoverEvent {
  const { uuid, type, projectUuid, jobUuid, body } = event;
  return { uuid, type, projectUuid, jobUuid, body, firstAcceptedAt, maybeKnown: isKnown };
}
