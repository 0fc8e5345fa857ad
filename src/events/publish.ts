/** Publishing events from text, for the API, the pages and the redrive of rejected messages. */
import { RequestError } from "../platform/errors";
import { findEvent } from "./find-event";
import { type AcceptedEvent, dispatch, type DispatchResult } from "./dispatch";
import { newEventDefaults } from "./event-defaults";
import { type Event, type EventDefaults, parseEvents } from "./parse-events";
import type { Publisher } from "./publisher";

/** What is published beside the text. */
type Publication = {
  publisher: Publisher;
  /** Called before any event is accepted; throws to reject them. */
  validate?: (events: readonly Event[]) => Promise<void>;
  /** For events without a uuid or timestamp; null when they are not valid. By default they are new events. */
  defaults?: EventDefaults | null;
};

/** An accepted event. `timestamp`: the one that the gateway gave it; absent when it came with one. */
export type PublishedEvent = AcceptedEvent & { timestamp?: string };

/**
 * Publishes one event or an array of 1 to 100, all or none. Idempotent by uuid: repeat it after any other exception.
 * @param text JSON.
 * @throws {RequestError} 400 when an event is not valid, 409 when a uuid is known with another text.
 */
export async function publish(
  env: Env,
  text: string,
  { defaults = newEventDefaults(), ...publication }: Publication,
): Promise<{ accepted: PublishedEvent[] }> {
  const first = await publishOnce(env, text, { ...publication, defaults });
  if ("accepted" in first) return first;
  // A repeat without a timestamp got a new one, which makes it another text. It is sent with the one of the first time.
  const known = await archivedTimestamps(env, first);
  const second =
    defaults === null || known.size === 0
      ? first
      : await publishOnce(env, text, {
          ...publication,
          defaults: { ...defaults, timestamp: (uuid) => known.get(uuid) ?? defaults.timestamp(uuid) },
        });
  if ("accepted" in second) return second;
  throw new RequestError(
    409,
    `uuid: another event has the uuid ${second.conflicts.join(", ")}. A repeat must have the same text; a new event needs a new uuid.`,
  );
}

/** `timestamps`: those that the gateway gave, by uuid. */
type Conflict = { conflicts: string[]; timestamps: ReadonlyMap<string, string> };

async function publishOnce(
  env: Env,
  text: string,
  { publisher, validate, defaults }: Publication & { defaults: EventDefaults | null },
): Promise<{ accepted: PublishedEvent[] } | Conflict> {
  const timestamps = new Map<string, string>();
  const parsed = parseEvents(text, defaults && noting(defaults, timestamps));
  if ("reason" in parsed) throw new RequestError(400, parsed.reason);
  await validate?.(parsed.events);
  const result: DispatchResult = await dispatch(env, parsed.events, { publisher });
  if ("conflicts" in result) return { ...result, timestamps };
  return { accepted: result.accepted.map((event) => withTimestamp(event, timestamps.get(event.uuid))) };
}

/** @returns the same defaults. They write the timestamps that they give into `timestamps`. */
function noting(defaults: EventDefaults, timestamps: Map<string, string>): EventDefaults {
  return {
    ...defaults,
    timestamp: (uuid) => {
      const timestamp = defaults.timestamp(uuid);
      timestamps.set(uuid, timestamp);
      return timestamp;
    },
  };
}

function withTimestamp(event: AcceptedEvent, timestamp: string | undefined): PublishedEvent {
  return timestamp === undefined ? event : { ...event, timestamp };
}

/** @returns the archived timestamps of events that conflict and got a timestamp from the gateway, by uuid. */
async function archivedTimestamps(
  env: Env,
  { conflicts, timestamps }: Conflict,
): Promise<ReadonlyMap<string, string>> {
  const repeated = conflicts.filter((uuid) => timestamps.has(uuid));
  const archived = await Promise.all(repeated.map((uuid) => findEvent(env, uuid)));
  return new Map(
    archived.flatMap((event) => (event === null ? [] : [[event.uuid, event.timestamp] as const])),
  );
}
