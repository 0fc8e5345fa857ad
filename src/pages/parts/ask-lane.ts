/** Calls of lanes for pages, which are displayed even if a lane does not respond. */
import { withTimeout } from "../../platform/timeouts";
import type { WebhookLane } from "../../lane/webhook-lane";
import { log } from "../../platform/log";
import { laneOf } from "../../lane/lane-of";

/** @returns the result of the call; null when it fails or times out (5 s). */
export async function askLane<Answer>(
  env: Env,
  webhookUuid: string,
  question: (lane: DurableObjectStub<WebhookLane>) => Promise<Answer>,
): Promise<Answer | null> {
  // The async function turns a synchronous exception into a rejection.
  const answer = (async () => question(laneOf(env, webhookUuid)))();
  return answerOrNull(answer, { webhook: webhookUuid });
}

/** @param about fields for the log. @returns the result; null when the call fails or times out. */
export async function answerOrNull<Answer>(
  answer: Promise<Answer>,
  about: Record<string, unknown>,
): Promise<Answer | null> {
  try {
    return await withTimeout(answer);
  } catch (error) {
    log("warn", "lane call failed", { ...about, error: String(error) });
    return null;
  }
}
