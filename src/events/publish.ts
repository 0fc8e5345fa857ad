/** Publishes events from text, for the API, the pages and the redrive of rejected messages. */
import { RequestError } from "../platform/errors";
import { findEvent } from "./find-event";
import { type AcceptedEvent, dispatch, type DispatchResult } from "./dispatch";
import { newEventDefaults } from "./event-defaults";
import { type Event, type EventDefaults, parseEvents } from "./parse-events";
import type { Publisher } from "./publisher";

/** The publisher of a text, and how it is parsed and validated. */
type Publication = {
  publisher: Publisher;
  /** Called before any event is accepted; throws to reject them. */
  validate?: (events: readonly Event[]) => Promise<void>;
  /**
   * The uuids and timestamps for events without them. By default, such events are new events; null: they are not valid.
   */
  defaults?: EventDefaults | null;
};

/** An accepted event. `timestamp`: the one that the gateway added; absent when the event has its own. */
export type PublishedEvent = AcceptedEvent & { timestamp?: string };

/**
 * Publishes one event or an array of 1 to 100, all or none. Idempotent by uuid: the caller repeats it after any
 * exception that is not a 400 or 409.
 * @param text JSON.
 * @throws {RequestError} 400 when an event is not valid; 409 when a uuid is known with another text; 503 as `dispatch`.
 */
export async function publish(
  env: Env,
  text: string,
  { defaults = newEventDefaults(), ...publication }: Publication,
): Promise<{ accepted: PublishedEvent[] }> {
  const first = await publishOnce(env, text, { ...publication, defaults });
  if ("accepted" in first) return first;
  // A repeat without a timestamp got a new one, so that its text differs from the first one. It is published again with
  // the timestamp of the first one.
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

/** `timestamps`: the timestamps that the gateway added, by uuid. */
type Conflict = { conflicts: string[]; timestamps: ReadonlyMap<string, string> };

async function publishOnce(
  env: Env,
  text: string,
  { publisher, validate, defaults }: Publication & { defaults: EventDefaults | null },
): Promise<{ accepted: PublishedEvent[] } | Conflict> {
  const timestamps = new Map<string, string>();
  const parsed = parseEvents(text, defaults && recordTimestamps(defaults, timestamps));
  if ("reason" in parsed) throw new RequestError(400, parsed.reason);
  await validate?.(parsed.events);
  const result: DispatchResult = await dispatch(env, parsed.events, { publisher });
  if ("conflicts" in result) return { ...result, timestamps };
  return { accepted: result.accepted.map((event) => withTimestamp(event, timestamps.get(event.uuid))) };
}

/** @returns defaults that also record the timestamps that they give, in `timestamps`. */
function recordTimestamps(defaults: EventDefaults, timestamps: Map<string, string>): EventDefaults {
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

/** @returns the archived timestamps of conflicting events to which the gateway added a timestamp, by uuid. */
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
