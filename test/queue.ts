/** The queues' side of the gateway: batches for its consumers, and the table of what they could not use. */
import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import gateway from "../src/index";

/** What became of a batch: the ids of the messages, `message-0` the first. */
export type Settled = { acked: string[]; retried: string[] };

/** Has the consumer of a queue settle these bodies in one batch. @param attempts which try it is, from 1. */
export async function consume(bodies: unknown[], queue = "events", attempts = 1): Promise<Settled> {
  const messages = bodies.map((body, index) => ({
    id: `message-${index}`,
    timestamp: new Date(),
    attempts,
    body,
  }));
  const batch = createMessageBatch(queue, messages);
  const context = createExecutionContext();
  await gateway.queue(batch, env);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
  return { acked: explicitAcks, retried: retryMessages.map(({ msgId }) => msgId) };
}

export type Rejected = { message_id: string; reason: string; body: string };

/** The messages that were kept because they could not be used. */
export async function rejected(): Promise<Rejected[]> {
  const { results } = await env.DB.prepare(
    "SELECT message_id, reason, body FROM rejected ORDER BY id",
  ).all<Rejected>();
  return results;
}
