/** Resending and skipping a delivery. */
import { audit } from "../db/audit";
import { deliveryUuid } from "../send/delivery-uuid";
import type { ChangeResult } from "../lane/change-delivery";
import type { Operation } from "./operation";
import { laneOf } from "../lane/lane-of";

const actions = { redeliver: "delivery.redelivered", skip: "delivery.skipped" } as const;

/**
 * Resends or skips a delivery through the webhook's lane, and audits it when it was done.
 * @param delivery the webhook and the delivery's sequence number.
 * @returns "done", or why the lane did not do it.
 */
export async function changeDelivery(
  { env, actor }: Operation,
  { webhookUuid, sequence }: { webhookUuid: string; sequence: number },
  change: "redeliver" | "skip",
): Promise<ChangeResult> {
  const result: ChangeResult = await laneOf(env, webhookUuid)[change](sequence);
  if (result === "done") {
    const detail = deliveryUuid(webhookUuid, sequence);
    await audit(env, actor, { action: actions[change], target: webhookUuid, detail });
  }
  return result;
}
