/** Resending a delivery, and giving one up. */
import { audit } from "../db/audit";
import { deliveryUuid } from "../send/delivery-uuid";
import type { ChangeResult } from "../lane/webhook-lane";
import type { Operation } from "./operation";

const actions = { redeliver: "delivery.redelivered", skip: "delivery.skipped" } as const;

/** Asks the webhook's lane for it. @returns what came of it; only what was done is audited. */
export async function changeDelivery(
  { env, actor }: Operation,
  { webhookUuid, sequence }: { webhookUuid: string; sequence: number },
  change: "redeliver" | "skip",
): Promise<ChangeResult> {
  const result: ChangeResult = await env.LANES.getByName(webhookUuid)[change](sequence);
  if (result === "done") {
    const detail = deliveryUuid(webhookUuid, sequence);
    await audit(env, actor, { action: actions[change], target: webhookUuid, detail });
  }
  return result;
}
