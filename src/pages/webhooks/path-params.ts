/** The webhook and the delivery in a page's path. */
import type { Context } from "hono";
import { findWebhook, type Webhook } from "../../webhooks/webhooks";
import { sequenceOf } from "../../send/delivery-uuid";
import { RequestError } from "../../platform/errors";
import type { AppEnv } from "../../auth/app-env";

/** @throws {RequestError} 404 when the webhook does not exist. */
export async function webhookInPath(c: Context<AppEnv>): Promise<Webhook> {
  const webhook = await findWebhook(c.env, c.req.param("uuid")?.toLowerCase() ?? "");
  if (webhook === null) {
    throw new RequestError(404, "Webhook not found. It may have been deleted.");
  }
  return webhook;
}

/** `sequence`: the delivery's number within its webhook. */
type DeliveryInPath = { webhook: Webhook; uuid: string; sequence: number };

/** @throws {RequestError} 404 when the webhook does not exist, or the uuid cannot be one of its deliveries. */
export async function deliveryInPath(c: Context<AppEnv>): Promise<DeliveryInPath> {
  const webhook = await webhookInPath(c);
  const uuid = c.req.param("delivery")?.toLowerCase() ?? "";
  const sequence = sequenceOf(webhook.uuid, uuid);
  if (sequence === null) throw deliveryNotFound();
  return { webhook, uuid, sequence };
}

/** @returns the 404 for a delivery that does not exist. */
export function deliveryNotFound(): RequestError {
  return new RequestError(404, "Delivery not found. It may have been deleted after its retention period.");
}
