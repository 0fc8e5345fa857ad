/** A publish in the event shards: each of its events is archived by the shard that its uuid belongs to. */
import { unavailable } from "../platform/errors";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import type { Event } from "./parse-events";
import type { Publisher } from "./publisher";
import { noteShards, shardsBelieved } from "./shard-count";
import { shardOf, shardStub } from "./shard/shard-of";
import type { PublishAnswer, RoutedWebhook } from "./shard/types";

/** How long a shard may take. It is called twice. */
const callMs = 4000;
const callsMax = 2;
/** So often a publish begins anew because there are other shards than it believed. They may grow just then. */
const reshardsMax = 5;
const retryAfterS = 1;

/** An event with the webhooks that hear it. `isKnown`: its uuid was archived before, at `firstAcceptedAt` (ms). */
export type ArchivedEvent = {
  event: Event;
  firstAcceptedAt: number;
  isKnown: boolean;
  webhooks: RoutedWebhook[];
};

/** `conflicts`: uuids that are known with another text. Then nothing of the request may be delivered. */
export type ArchivedBatch = { events: ArchivedEvent[] } | { conflicts: string[] };

/**
 * Archives events and finds out who hears them. When it returns `events`, all of them are on disk. Idempotent by uuid. A conflict
 * in one shard may leave events of the others in the archive: a repeat without it delivers them.
 * @param events with different uuids. @returns them in their order.
 * @throws {RequestError} 503 when a shard cannot be reached, or not be sure who hears the events.
 */
export async function publishToShards(
  env: Env,
  events: readonly Event[],
  publisher: Publisher,
): Promise<ArchivedBatch> {
  for (let reshards = 0; reshards < reshardsMax; reshards += 1) {
    const shards = shardsBelieved(env);
    const parts = [...Map.groupBy(events, ({ uuid }) => shardOf(uuid, shards))];
    const placeOf = new Map(events.map(({ uuid }, place) => [uuid, place]));
    const at = Date.now();
    const conflicts = parts.length > 1 ? await findConflicts(env, parts) : [];
    if (conflicts.length > 0) return { conflicts };
    const answers = await Promise.all(
      parts.map(([shard, part]) =>
        callShard<PublishAnswer>(env, shard, (stub) => {
          const places = part.map(({ uuid }) => placeOf.get(uuid) ?? 0);
          return stub.publish({ shards, publisher, at, events: part, places });
        }),
      ),
    );
    const resharded = answers.flatMap((answer) => (answer.outcome === "resharded" ? answer.shards : []));
    if (resharded.length === 0) return merged(events, answers);
    noteShards(Math.max(...resharded));
  }
  throw unavailable("The number of event shards is changing. Publish again.", { retryAfterS });
}

/** Of events in several shards, those that are known with another text: so that none is archived beside one of them. */
async function findConflicts(env: Env, parts: readonly [number, Event[]][]): Promise<string[]> {
  const known = await Promise.all(
    parts.map(([shard, part]) => callShard(env, shard, (stub) => stub.texts(part.map(({ uuid }) => uuid)))),
  );
  const texts = new Map(known.flat().map(({ uuid, text }) => [uuid, text]));
  const events = parts.flatMap(([, part]) => part);
  return events.filter(({ uuid, body }) => (texts.get(uuid) ?? body) !== body).map(({ uuid }) => uuid);
}

/** Calls a shard, and once more when that fails. @throws {RequestError} 503 when both fail. */
async function callShard<Result>(
  env: Env,
  shard: number,
  call: (stub: ReturnType<typeof shardStub>) => PromiseLike<Result>,
): Promise<Result> {
  for (let calls = 1; ; calls += 1) {
    try {
      return await withTimeout(Promise.resolve(call(shardStub(env, shard))), callMs);
    } catch (error) {
      log("warn", "event shard call failed", { shard, error: String(error) });
      if (calls === callsMax)
        throw unavailable("The events could not be archived. Publish again.", { retryAfterS, cause: error });
    }
  }
}

function merged(events: readonly Event[], answers: readonly PublishAnswer[]): ArchivedBatch {
  const conflicts = answers.flatMap((answer) => (answer.outcome === "conflict" ? answer.uuids : []));
  if (conflicts.length > 0) return { conflicts };
  const webhooks = new Map<number, RoutedWebhook>();
  const byUuid = new Map<string, Omit<ArchivedEvent, "event">>();
  for (const answer of answers) {
    if (answer.outcome === "unavailable")
      throw unavailable(`${answer.because} Publish again.`, { retryAfterS });
    if (answer.outcome !== "archived") continue;
    const local = answer.webhooks.map((webhook) => latest(webhooks, webhook));
    for (const { uuid, firstAcceptedAt, isKnown, webhooks: places } of answer.events) {
      byUuid.set(uuid, {
        firstAcceptedAt,
        isKnown,
        webhooks: places.flatMap((place) => local[place] ?? []),
      });
    }
  }
  return {
    events: events.map((event) => {
      const archived = byUuid.get(event.uuid);
      if (archived === undefined) throw new Error(`No event shard answered for ${event.uuid}.`);
      return { event, ...archived };
    }),
  };
}

/** One object for each webhook: shards may have learned of a change at different moments. */
function latest(webhooks: Map<number, RoutedWebhook>, webhook: RoutedWebhook): RoutedWebhook {
  const known = webhooks.get(webhook.id);
  if (known === undefined) {
    webhooks.set(webhook.id, webhook);
    return webhook;
  }
  known.version = Math.max(known.version, webhook.version);
  known.waits ||= webhook.waits;
  return known;
}
