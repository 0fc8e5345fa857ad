/** Publishing events from text, for the API, the pages and the redrive of rejected messages. */
import { RequestError } from "../platform/errors";
import { type AcceptedEvent, dispatch } from "./dispatch";
import { type Event, parseEvents } from "./parse-events";
import type { Publisher } from "./publisher";

/**
 * Publishes one event or an array of 1 to 100, all or none. Idempotent by uuid: repeat it after any other exception.
 * @param text JSON. @param options.publisher who publishes them.
 * @param options.validate is called before any event is accepted, and throws to reject them.
 * @throws {RequestError} 400 when an event is not valid, 409 when a uuid is known with another text.
 */
export async function publish(
  env: Env,
  text: string,
  { publisher, validate }: { publisher: Publisher; validate?: (events: readonly Event[]) => Promise<void> },
): Promise<{ accepted: AcceptedEvent[] }> {
  const parsed = parseEvents(text);
  if ("reason" in parsed) throw new RequestError(400, parsed.reason);
  await validate?.(parsed.events);
  const dispatched = await dispatch(env, parsed.events, { publisher });
  if ("accepted" in dispatched) return dispatched;
  const uuids = dispatched.conflicts.join(", ");
  throw new RequestError(
    409,
    `uuid: another event has the uuid ${uuids}. A repeat must have the same text; a new event needs a new uuid.`,
  );
}
