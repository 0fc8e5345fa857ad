/**
 * What tests leave in the queue. The queue delivers a message again after seconds, in the middle of another test, where
 * it would read that test's database and write to its log.
 */
import gateway from "../src/index";

// The clock that no test stops: the queue's times are real ones.
const now = Date.now.bind(Date);

let testStartedAt = 0;
/** Counts the tests: a consumer belongs to the one that it began in. */
let test = 0;
const underWay = new Set<Promise<void>>();

// Here and not in setup.ts, which runs again for each file.
const queue = gateway.queue.bind(gateway);
gateway.queue = async (batch, env) => {
  const messages = batch.messages.filter(({ timestamp }) => timestamp.getTime() >= testStartedAt);
  for (const message of batch.messages) if (!messages.includes(message)) message.ack();
  const consumed = queue({ ...batch, queue: batch.queue, messages }, usableIn(test, env));
  underWay.add(consumed);
  try {
    await consumed;
  } finally {
    underWay.delete(consumed);
  }
};

/**
 * The bindings for a consumer that began in a test. A consumer may go on for as long as it likes, on a slow machine or when it
 * waits for what a test holds: in another test it finds none.
 */
function usableIn(own: number, env: Env): Env {
  return new Proxy(env, {
    get(bindings, name) {
      if (test !== own) throw new Error(`The test of this consumer is over: it may not use ${String(name)}.`);
      return Reflect.get(bindings, name) as unknown;
    },
  });
}

/** For `beforeEach` and `afterEach`: from now on, messages that are older are acknowledged unread, and consumers that began before fail. */
export function leaveMessagesBehind(): void {
  testStartedAt = now();
  test += 1;
}

/** Waits until the consumer has ended, 5 s at most: it may wait for what a test holds. Does not throw. */
export async function consumerEnds(): Promise<void> {
  await Promise.race([Promise.allSettled(underWay), scheduler.wait(5000)]);
}
