/** The consumer of the queue `events-dlq`: what the main consumer could not settle in all its retries is kept. */
import { keepRejected } from "./rejected";
import { log } from "../platform/log";
import { dropFailures, latestFailures } from "./failure-notes";
import { isHandover, keptText } from "./queue-message";

const givenUp = "The gateway failed to dispatch it in all its retries";

/**
 * Keeps every message with what the main consumer noted of its latest failure, or has the whole batch retried.
 * A hand-over message is dropped: cron hands over anyway.
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
