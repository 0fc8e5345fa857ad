/** From a text to accepted events, for everyone who publishes: the API, the page and the redrive of rejected messages. */
import { RequestError } from "../platform/errors";
import { type AcceptedEvent, dispatch } from "./dispatch";
import { type Event, parseEvents } from "./parse-events";
import type { Publisher } from "./publisher";

/**
 * Accepts one event or an array of 1 to 100.
 * @param options.publisher from whom they come.
 * @param options.refuse looks at the events before any of them is accepted, and throws when they must not be.
 * @throws {RequestError} 400 when any event is not as it must be, 409 when a uuid is known with another text.
 */
export async function publish(
  env: Env,
  text: string,
  { publisher, refuse }: { publisher: Publisher; refuse?: (events: readonly Event[]) => Promise<void> },
): Promise<{ accepted: AcceptedEvent[] }> {
  const parsed = parseEvents(text);
  if ("reason" in parsed) throw new RequestError(400, parsed.reason);
  await refuse?.(parsed.events);
  const dispatched = await dispatch(env, parsed.events, { publisher });
  if ("accepted" in dispatched) return dispatched;
  const uuids = dispatched.conflicts.join(", ");
  throw new RequestError(
    409,
    `uuid: another event is known as ${uuids}. A repeat must have the same text; a new event needs a new uuid.`,
  );
}
