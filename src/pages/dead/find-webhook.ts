/** Finds the webhook of a page or form about dead letters. */
import type { Context } from "hono";
import { listByUuids, type WebhookWithDeadLetters } from "../../webhooks/dead-letters";
import { RequestError } from "../../platform/errors";
import type { AppEnv } from "../../auth/app-env";

/** @throws {RequestError} 404 when the webhook does not exist. */
export async function findWebhookWithDeadLetters(
  c: Context<AppEnv>,
  uuid: string,
): Promise<WebhookWithDeadLetters> {
  const [webhook] = await listByUuids(c.env.DB, [uuid]);
  if (webhook === undefined) {
    throw new RequestError(404, "Webhook not found. It may have been deleted.");
  }
  return webhook;
}
