/** The webhook that a path names. */
import { findWebhook, type Webhook } from "./webhooks";
import { RequestError } from "../platform/errors";

/** @throws {RequestError} 404 when there is none (any more). */
export async function existingWebhook(env: Env, uuid: string): Promise<Webhook> {
  const webhook = await findWebhook(env, uuid);
  if (webhook === null) throw unknownSubscriber(uuid);
  return webhook;
}

/** For a webhook that went while the request was under way, too. */
export function unknownSubscriber(uuid: string): RequestError {
  return new RequestError(404, `Subscriber ${uuid} does not exist.`);
}
