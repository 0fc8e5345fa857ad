/** The consumer of the queue `events-dlq`: what the main consumer could not settle in all its retries is kept. */
import { keepRejected } from "../db/rejected";
import { log } from "../log";
import { isHandover, readableText } from "./queue-message";

/** Keeps every message, or has the whole batch retried. A hand-over message is dropped: cron hands over anyway. */
export async function consumeDeadLetters(batch: MessageBatch, env: Env): Promise<void> {
  const reason = "The gateway failed to dispatch it in all its retries; see its log for the cause.";
  log("error", "queue messages were given up", { messages: batch.messages.length });
  const kept = batch.messages.filter(({ body }) => !isHandover(body));
  if (kept.length === 0) return;
  await keepRejected(
    env.DB,
    kept.map(({ id, body }) => ({ messageId: id, reason, body: readableText(body) })),
  );
}
