/** Pausing and resuming: the lane decides, and its answer counts even where D1 has not heard of it yet. */
import type { z } from "@hono/zod-openapi";
import { listSubscriptions } from "./subscriptions";
import { laneConfigOf } from "../lane/lane-configs";
import type { LaneState } from "../lane/lane-record";
import type { WebhookLane } from "../lane/webhook-lane";
import { existingWebhook, unknownSubscriber } from "./existing-webhook";
import type { webhookSchema } from "./schemas";
import { webhookAnswer } from "../api/subscribers/webhook-answer";

/**
 * @param change the call; null says that the lane is closed.
 * @returns the webhook after it.
 * @throws {RequestError} 404 when there is no such webhook (any more).
 */
export async function changeState(
  env: Env,
  uuid: string,
  change: (lane: DurableObjectStub<WebhookLane>) => Promise<LaneState | null>,
): Promise<z.output<typeof webhookSchema>> {
  const before = await existingWebhook(env, uuid);
  const lane = env.LANES.getByName(before.uuid);
  // A lane that was never handed anything does not know yet whose it is.
  await lane.configure(laneConfigOf(before));
  const state = await change(lane);
  if (state === null) throw unknownSubscriber(uuid);
  const after = await existingWebhook(env, uuid);
  const disabledReason = state === "disabled" ? after.disabledReason : null;
  return webhookAnswer({ ...after, state, disabledReason }, await listSubscriptions(env, uuid));
}
