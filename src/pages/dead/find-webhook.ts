/** The webhook whose dead letters a page or a form is about. */
import type { Context } from "hono";
import { listAmong, type WebhookWithDead } from "../../webhooks/dead-letters";
import { RequestError } from "../../platform/errors";
import type { AppEnv } from "../../auth/app-env";

/** @throws {RequestError} 404 when there is no such webhook (any more). */
export async function findWebhookWithDeadLetters(c: Context<AppEnv>, uuid: string): Promise<WebhookWithDead> {
  const [webhook] = await listAmong(c.env.DB, [uuid]);
  if (webhook === undefined) {
    throw new RequestError(404, "There is no such webhook. It may have been deleted.");
  }
  return webhook;
}
