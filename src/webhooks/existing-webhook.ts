/** Finds a webhook that must exist. */
import { findWebhook, type Webhook } from "./webhooks";
import { RequestError } from "../platform/errors";

/** @returns the webhook with this uuid. @throws {RequestError} 404 when it does not exist or was deleted. */
export async function existingWebhook(env: Env, uuid: string): Promise<Webhook> {
  const webhook = await findWebhook(env, uuid);
  if (webhook === null) throw unknownSubscriber(uuid);
  return webhook;
}

/** @returns the 404 for a webhook that does not exist, or was deleted during the request. */
export function unknownSubscriber(uuid: string): RequestError {
  return new RequestError(404, `Subscriber ${uuid} does not exist.`);
}
