/** Pausing and resuming webhooks. The lane owns the state and copies it to D1 afterwards. */
import { audit } from "../db/audit";
import { laneConfigOf } from "../lane/lane-configs";
import type { LaneState } from "../lane/lane-record";
import { existingWebhook, unknownSubscriber } from "./existing-webhook";
import type { Operation } from "./operation";
import type { Webhook } from "./webhooks";
import { laneOf } from "../lane/lane-of";

const actions = { pause: "webhook.paused", resume: "webhook.resumed" } as const;

/**
 * Pauses or resumes a webhook. A disabled webhook is enabled when it is resumed, and stays disabled when it is paused.
 * @returns the webhook with its new state.
 * @throws {RequestError} 404 when the webhook does not exist or was deleted.
 */
export async function changeState(
  { env, actor }: Operation,
  uuid: string,
  change: "pause" | "resume",
): Promise<Webhook> {
  const before = await existingWebhook(env, uuid);
  const lane = laneOf(env, before.uuid);
  // A lane that was never called has no configuration yet.
  await lane.configure(laneConfigOf(before));
  const state: LaneState | null = await lane[change]();
  if (state === null) throw unknownSubscriber(uuid);
  await audit(env, actor, { action: actions[change], target: before.uuid });
  const after = await existingWebhook(env, uuid);
  return { ...after, state, disabledReason: state === "disabled" ? after.disabledReason : null };
}
