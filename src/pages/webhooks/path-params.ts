/** The webhook and the delivery that a page's path names. */
import type { Context } from "hono";
import { findWebhook, type Webhook } from "../../webhooks/webhooks";
import { sequenceOf } from "../../send/delivery-uuid";
import { RequestError } from "../../platform/errors";
import type { AppEnv } from "../../auth/app-env";

/** @throws {RequestError} 404 when there is none (any more). */
export async function webhookInPath(c: Context<AppEnv>): Promise<Webhook> {
  const webhook = await findWebhook(c.env, c.req.param("uuid")?.toLowerCase() ?? "");
  if (webhook === null) {
    throw new RequestError(404, "There is no such webhook. It may have been deleted.");
  }
  return webhook;
}

/** A delivery in a path, and its place in the webhook's line. */
type DeliveryInPath = { webhook: Webhook; uuid: string; sequence: number };

/** @throws {RequestError} 404 when there is no such webhook, or when it cannot have such a delivery. */
export async function deliveryInPath(c: Context<AppEnv>): Promise<DeliveryInPath> {
  const webhook = await webhookInPath(c);
  const uuid = c.req.param("delivery")?.toLowerCase() ?? "";
  const sequence = sequenceOf(webhook.uuid, uuid);
  if (sequence === null) throw noDelivery();
  return { webhook, uuid, sequence };
}

export function noDelivery(): RequestError {
  return new RequestError(404, "There is no such delivery. It may be so old that it is no longer kept.");
}
