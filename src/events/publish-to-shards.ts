/** Publishing in the event shards: the shard that an event's uuid belongs to archives it. */
import { unavailable } from "../platform/errors";
import { log } from "../platform/log";
import { isOverloaded } from "../platform/repeat-transient";
import { withTimeout } from "../platform/timeouts";
import type { Event } from "./parse-events";
import type { Publisher } from "./publisher";
import { noteShards, shardsBelieved } from "./shard-count";
import { shardOf, shardStub } from "./shard/shard-of";
import type { PublishAnswer, RoutedWebhook } from "./shard/types";

/** The timeout of a call of a shard. */
const callMs = 4000;
/** How long shards are called, from the start of the request, so that time is left for lanes. */
const shardsMs = 6000;
const callsMax = 2;
/** The pause before a repeated call. */
const pauseMs = 50;
/** A publish restarts when the number of shards is not the expected one, which can happen repeatedly during a growth. */
const reshardsMax = 5;
const retryAfterS = 1;

/** An event with the webhooks that receive it. `isKnown`: its uuid was archived before, at `firstAcceptedAt` (ms). */
export type ArchivedEvent = {
  event: Event;
  firstAcceptedAt: number;
  isKnown: boolean;
  webhooks: RoutedWebhook[];
};

/** `conflicts`: uuids that are known with another text. Then no event of the request may be delivered. */
export type ArchivedBatch = { events: ArchivedEvent[] } | { conflicts: string[] };

/**
 * Archives events and finds their webhooks. When it returns `events`, all of them are on disk. Idempotent by uuid.
 * After a conflict in one shard, other shards may have archived their events: a repeat without the conflict delivers
 * them.
 * @param events with different uuids.
 * @param startedAt when the request began, in ms. Shards are called for 6 s at most.
 * @returns the events in their order.
 * @throws {RequestError} 503 when a shard cannot be reached in time, or does not have the current routing.
 */
export async function publishToShards(
  env: Env,
  events: readonly Event[],
  publisher: Publisher,
  startedAt = Date.now(),
): Promise<ArchivedBatch> {
  const leftMs = (): number => Math.max(0, startedAt + shardsMs - Date.now());
  for (let reshards = 0; reshards < reshardsMax; reshards += 1) {
    const shards = shardsBelieved(env);
    const parts = [...Map.groupBy(events, ({ uuid }) => shardOf(uuid, shards))];
    const placeOf = new Map(events.map(({ uuid }, place) => [uuid, place]));
    const at = Date.now();
    const conflicts = parts.length > 1 ? await findConflicts(env, parts, leftMs) : [];
    if (conflicts.length > 0) return { conflicts };
    const answers = await Promise.all(
      parts.map(([shard, part]) =>
        callShard<PublishAnswer>(env, shard, {
          leftMs,
          call: (stub) => {
            const places = part.map(({ uuid }) => placeOf.get(uuid) ?? 0);
            return stub.publish({ shards, publisher, at, events: part, places });
          },
        }),
      ),
    );
    const resharded = answers.flatMap((answer) => (answer.outcome === "resharded" ? answer.shards : []));
    if (resharded.length > 0) {
      noteShards(Math.max(...resharded));
      continue;
    }
    if (answers.some(({ outcome }) => outcome === "archived")) noteShards(shards);
    return merged(events, answers);
  }
  throw unavailable("The number of event shards is changing. Publish again.", { retryAfterS });
}

/** Returns the uuids that are known with another text. If there are any, no event of the request is archived. */
async function findConflicts(
  env: Env,
  parts: readonly [number, Event[]][],
  leftMs: () => number,
): Promise<string[]> {
  const known = await Promise.all(
    parts.map(([shard, part]) =>
      callShard(env, shard, { leftMs, call: (stub) => stub.texts(part.map(({ uuid }) => uuid)) }),
    ),
  );
  const texts = new Map(known.flat().map(({ uuid, text }) => [uuid, text]));
  const events = parts.flatMap(([, part]) => part);
  return events.filter(({ uuid, body }) => (texts.get(uuid) ?? body) !== body).map(({ uuid }) => uuid);
}

/** A call of a shard, and how much time (ms) is left for it. */
type ShardCall<Result> = {
  call: (stub: ReturnType<typeof shardStub>) => PromiseLike<Result>;
  leftMs: () => number;
};

/**
 * Calls a shard, and a second time if the first call fails while there is time. A shard that is overloaded is not called again.
 * @throws {RequestError} 503 when no call succeeds.
 */
async function callShard<Result>(
  env: Env,
  shard: number,
  { call, leftMs }: ShardCall<Result>,
): Promise<Result> {
  for (let calls = 1; ; calls += 1) {
    try {
      return await withTimeout(Promise.resolve(call(shardStub(env, shard))), Math.min(callMs, leftMs()));
    } catch (error) {
      log("warn", "event shard call failed", { shard, error: String(error) });
      if (calls === callsMax || isOverloaded(error) || leftMs() <= pauseMs)
        throw unavailable("The events could not be archived. Publish again.", { retryAfterS, cause: error });
      await scheduler.wait(pauseMs);
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

/** Keeps one object for each webhook, with the latest version: shards may receive a change at different times. */
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
