/** Calls to lanes for pages: a page is shown even when a lane does not respond. */
import { withTimeout } from "../../platform/timeouts";
import type { WebhookLane } from "../../lane/webhook-lane";
import { log } from "../../platform/log";
import { laneOf } from "../../lane/lane-of";

/** @returns the lane's answer, or null when the call fails or times out. */
export async function askLane<Answer>(
  env: Env,
  webhookUuid: string,
  question: (lane: DurableObjectStub<WebhookLane>) => Promise<Answer>,
): Promise<Answer | null> {
  // In an async function: a synchronous exception becomes a rejection.
  const answer = (async () => question(laneOf(env, webhookUuid)))();
  return answerOrNull(answer, { webhook: webhookUuid });
}

/** @returns the answer, or null when it fails or times out. @param about fields for the log. */
export async function answerOrNull<Answer>(
  answer: Promise<Answer>,
  about: Record<string, unknown>,
): Promise<Answer | null> {
  try {
    return await withTimeout(answer);
  } catch (error) {
    log("warn", "lane not asked", { ...about, error: String(error) });
    return null;
  }
}
