/** The delivery that a path names, and the refusals of what is asked of it. */
import { sequenceOf } from "../../send/delivery-uuid";
import type { ChangeResult, WebhookLane } from "../../lane/webhook-lane";
import { RequestError } from "../../platform/errors";
import { existingWebhook } from "../../webhooks/existing-webhook";

/** The lane to ask, and the delivery's place in it. */
type DeliveryInPath = { webhookUuid: string; lane: DurableObjectStub<WebhookLane>; sequence: number };

/** @throws {RequestError} 404 when there is no such webhook, or when it cannot have such a delivery. */
export async function deliveryInPath(
  env: Env,
  { uuid, delivery }: { uuid: string; delivery: string },
): Promise<DeliveryInPath> {
  const webhook = await existingWebhook(env, uuid);
  const sequence = sequenceOf(webhook.uuid, delivery);
  if (sequence === null) throw unknownDelivery(delivery);
  return { webhookUuid: webhook.uuid, lane: env.LANES.getByName(webhook.uuid), sequence };
}

export function unknownDelivery(delivery: string): RequestError {
  return new RequestError(404, `Delivery ${delivery} does not exist, or is no longer kept.`);
}

/** Why a lane did not do what was asked of a delivery. */
export function refusedChange(result: Exclude<ChangeResult, "done">, delivery: string): RequestError {
  switch (result) {
    case "unknown":
      return unknownDelivery(delivery);
    case "finished":
      return new RequestError(409, `Delivery ${delivery} is finished: there is nothing to skip.`);
    case "behind":
      return new RequestError(
        409,
        `Delivery ${delivery} waits behind another one, which is tried first: redeliver or skip that one.`,
      );
    case "inactive":
      return new RequestError(409, "The webhook is paused or disabled and sends nothing: resume it first.");
  }
}
