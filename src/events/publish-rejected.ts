/** Publishes rejected messages. */
import { changeReason, findRejected, removeRejected } from "./rejected";
import { publish } from "./publish";
import type { Publisher } from "./publisher";
import { RequestError } from "../platform/errors";

/**
 * Publishes the events of a rejected message, and deletes the message.
 * @returns the accepted events; null when there is no message with this id.
 * @throws {RequestError} 400 or 409 when it still cannot be published: the message is kept, with this reason; 503 as
 *   `publish`.
 */
export async function publishRejected(
  env: Env,
  id: number,
  publisher: Publisher,
): Promise<Awaited<ReturnType<typeof publish>> | null> {
  const rejected = await findRejected(env.DB, id);
  if (rejected === null) return null;
  if (rejected.is_exact === 0) {
    throw new RequestError(400, `It was not kept exactly, and cannot be published: ${rejected.reason}`);
  }
  try {
    // Events without a uuid are not valid here: a redrive may be repeated, and the publisher could not learn the uuid.
    const accepted = await publish(env, rejected.body, { publisher, defaults: null });
    await removeRejected(env.DB, id);
    return accepted;
  } catch (error) {
    if (error instanceof RequestError && error.status < 500) await changeReason(env.DB, id, error.message);
    throw error;
  }
}
