/** From a request's text to accepted events, for every endpoint that publishes. */
import { z } from "@hono/zod-openapi";
import { RequestError } from "../../platform/errors";
import { type Accepted, dispatch } from "../../events/dispatch";
import { type Event, parseEvents } from "../../events/parse-events";
import type { Publisher } from "../../events/publisher";

/** What became of each event, in the order in which they came. */
export const acceptedSchema = z
  .object({
    accepted: z.array(
      z.object({
        uuid: z.guid(),
        duplicate: z.boolean().openapi({
          description: "The uuid was known and no lane took the event anew.",
        }),
        deliveries: z.int().openapi({ description: "How many webhooks the event is newly delivered to." }),
      }),
    ),
  })
  .openapi("AcceptedEvents");

/**
 * Accepts one event or an array of 1 to 100.
 * @param options.publisher from whom they come.
 * @param options.refuse looks at the events before any of them is accepted, and throws when they must not be.
 * @throws {RequestError} 400 when any event is not as it must be, 409 when a uuid is known with another text.
 */
export async function accept(
  env: Env,
  text: string,
  { publisher, refuse }: { publisher: Publisher; refuse?: (events: readonly Event[]) => Promise<void> },
): Promise<{ accepted: Accepted[] }> {
  const parsed = parseEvents(text);
  if ("refusal" in parsed) throw new RequestError(400, parsed.refusal);
  await refuse?.(parsed.events);
  const dispatched = await dispatch(env, parsed.events, { publisher });
  if ("accepted" in dispatched) return dispatched;
  const uuids = dispatched.conflicts.join(", ");
  throw new RequestError(
    409,
    `uuid: another event is known as ${uuids}. A repeat must have the same text; a new event needs a new uuid.`,
  );
}

/** @throws {RequestError} 400 when the bytes are not valid UTF-8. */
export function decodeUtf8(bytes: ArrayBuffer | Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new RequestError(400, "The body is not valid UTF-8.", { cause });
  }
}
