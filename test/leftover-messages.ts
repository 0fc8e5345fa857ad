/**
 * What tests leave in the queue. The queue delivers a message again after seconds, in the middle of another test, where
 * it would read that test's database and write to its log.
 */
import { env } from "cloudflare:workers";
import gateway from "../src/index";
import { wrapMethod } from "./wrap-method";

/** Counts the tests: a message and a consumer belong to the one that they began in. */
let test = 0;
const underWay = new Set<Promise<void>>();

/** What is sent instead of a body. A message's time would not tell: two tests can fall into one millisecond. */
type Labelled = { ofTest: number; body: unknown };
const label = (body: unknown): Labelled => ({ ofTest: test, body });

function isLabelled(body: unknown): body is Labelled {
  return typeof body === "object" && body !== null && "ofTest" in body;
}

// Here and not in setup.ts, which runs again for each file.
wrapMethod(env.EVENTS, "send", { argument: label });
wrapMethod(env.EVENTS, "sendBatch", {
  argument: (messages) =>
    [...(messages as Iterable<MessageSendRequest>)].map(({ body, contentType, delaySeconds }) => ({
      body: label(body),
      contentType,
      delaySeconds,
    })),
});

const queue = gateway.queue.bind(gateway);
gateway.queue = async (batch, bindings) => {
  const messages = batch.messages.flatMap((message) => {
    // A test that calls the consumer itself labels nothing.
    if (!isLabelled(message.body)) return [message];
    if (message.body.ofTest === test) return [withBody(message, message.body.body)];
    message.ack();
    return [];
  });
  const consumed = queue({ ...batch, queue: batch.queue, messages }, usableIn(test, bindings));
  underWay.add(consumed);
  try {
    await consumed;
  } finally {
    underWay.delete(consumed);
  }
};

/** A message with another body, which settles as the message does. */
function withBody(message: Message, body: unknown): Message {
  const { id, timestamp, attempts } = message;
  const settle = { ack: () => message.ack(), retry: (options?: QueueRetryOptions) => message.retry(options) };
  return { id, timestamp, attempts, body, ...settle };
}

/**
 * The bindings for a consumer that began in a test. A consumer may go on for as long as it likes, on a slow machine or when it
 * waits for what a test holds: in another test it finds none.
 */
function usableIn(own: number, bindings: Env): Env {
  return new Proxy(bindings, {
    get(all, name) {
      if (test !== own) throw new Error(`The test of this consumer is over: it may not use ${String(name)}.`);
      return Reflect.get(all, name) as unknown;
    },
  });
}

/** For `beforeEach` and `afterEach`: from now on, messages sent before are acknowledged unread, and consumers that began before fail. */
export function leaveMessagesBehind(): void {
  test += 1;
}

/** Waits until the consumer has ended, 5 s at most: it may wait for what a test holds. Does not throw. */
export async function consumerEnds(): Promise<void> {
  await Promise.race([Promise.allSettled(underWay), scheduler.wait(5000)]);
}
