/** Finds the delivery in a path, and turns failures of operations on it into errors. */
import { sequenceOf } from "../../send/delivery-uuid";
import type { ChangeResult } from "../../lane/change-delivery";
import type { WebhookLane } from "../../lane/webhook-lane";
import { RequestError } from "../../platform/errors";
import { existingWebhook } from "../../webhooks/existing-webhook";
import { laneOf } from "../../lane/lane-of";

/** The delivery's webhook, its lane, and the delivery's sequence number. */
type DeliveryInPath = { webhookUuid: string; lane: DurableObjectStub<WebhookLane>; sequence: number };

/**
 * @param params the path's parameters: the webhook's uuid and the delivery's.
 * @returns the delivery's lane and sequence number. The lane may not have such a delivery, or no longer keep it.
 * @throws {RequestError} 404 when the webhook does not exist, or the uuid cannot be that of one of its deliveries.
 */
export async function deliveryInPath(
  env: Env,
  params: { uuid: string; delivery: string },
): Promise<DeliveryInPath> {
  const { uuid, delivery } = params;
  const webhook = await existingWebhook(env, uuid);
  const sequence = sequenceOf(webhook.uuid, delivery);
  if (sequence === null) throw unknownDelivery(delivery);
  return { webhookUuid: webhook.uuid, lane: laneOf(env, webhook.uuid), sequence };
}

/** @param delivery its uuid. @returns a 404. */
export function unknownDelivery(delivery: string): RequestError {
  return new RequestError(404, `Delivery ${delivery} does not exist, or is no longer kept.`);
}

/** @param result of a resend or skip that failed. @param delivery its uuid. @returns the error to throw. */
export function changeError(result: Exclude<ChangeResult, "done">, delivery: string): RequestError {
  switch (result) {
    case "unknown":
      return unknownDelivery(delivery);
    case "finished":
      return new RequestError(
        409,
        `Delivery ${delivery} is delivered or dead already and cannot be skipped.`,
      );
    case "behind":
      return new RequestError(
        409,
        `Delivery ${delivery} is blocked by an earlier one: redeliver or skip that one.`,
      );
    case "inactive":
      return new RequestError(409, "The webhook is paused or disabled: resume it first.");
  }
}
