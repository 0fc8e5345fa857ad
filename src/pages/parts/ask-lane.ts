/** Asking a lane for what a page shows: a page stands even where a lane does not answer. */
import { withTimeout } from "../../platform/timeouts";
import type { WebhookLane } from "../../lane/webhook-lane";
import { log } from "../../platform/log";

/** @returns what the lane says, or null when it fails, is too slow or is closed. */
export async function askLane<Answer>(
  env: Env,
  webhookUuid: string,
  question: (lane: DurableObjectStub<WebhookLane>) => Promise<Answer>,
): Promise<Answer | null> {
  // Asked in a promise: a call that fails at once fails like any other.
  const answer = (async () => question(env.LANES.getByName(webhookUuid)))();
  return answerOrNull(answer, { webhook: webhookUuid });
}

/** @returns the answer, or null when it fails or takes too long. @param about for the log. */
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
