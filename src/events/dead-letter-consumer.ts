/** The consumer of the queue `events-dlq`: keeps the messages that failed in all retries of the main consumer. */
import { keepRejected } from "./rejected";
import { log } from "../platform/log";
import { dropFailures, latestFailures } from "./failure-notes";
import { isHandover, keptText } from "./queue-message";

const givenUp = "The gateway failed to dispatch it in all its retries";

/**
 * Keeps every message with the noted reason of its latest failure. Hand-over messages are dropped, because cron also
 * hands over pending events. @throws when D1 fails: the queue then retries the whole batch.
 */
export async function consumeDeadLetters(batch: MessageBatch, env: Env): Promise<void> {
  log("error", "queue messages were given up", { messages: batch.messages.length });
  const kept = batch.messages.filter(({ body }) => !isHandover(body));
  if (kept.length === 0) return;
  const failures = await latestFailures(env, kept);
  await keepRejected(
    env.DB,
    kept.map(({ id, body }, index) => ({
      messageId: id,
      reason: reasonFrom(failures[index]),
      ...keptText(body),
    })),
  );
  await dropFailures(env, kept);
}

function reasonFrom(failure: string | null | undefined): string {
  return failure ? `${givenUp}. The latest failure: ${failure}` : `${givenUp}; see its log for the cause.`;
}
