/**
 * Notes why queue messages fail, for the consumer of the dead-letter queue. Best effort: a note that cannot be written
 * or removed is logged, and does not affect the message.
 */
import { readFailures, removeFailures, writeFailures } from "./queue-failures";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import { isHandover, messageKey } from "./queue-message";

const reasonCharactersMax = 1000;

/** Notes why these messages failed, except hand-over messages, which are never kept. Never throws. */
export async function noteFailure(env: Env, messages: readonly Message[], error: unknown): Promise<void> {
  const reason = causeOf(error).slice(0, reasonCharactersMax);
  await quietly("failure not noted", async () => {
    const keys = await keysOf(messages.filter(({ body }) => !isHandover(body)));
    if (keys.length === 0) return;
    await writeFailures(
      env.DB,
      keys.map((key) => ({ key, reason })),
      Date.now(),
    );
  });
}

/** Removes the notes of messages that were settled. Messages in their first attempt have none. Never throws. */
export async function forgetFailures(env: Env, messages: readonly Message[]): Promise<void> {
  const retried = messages.filter(({ attempts }) => attempts > 1);
  if (retried.length === 0) return;
  await quietly("failure not forgotten", async () => removeFailures(env.DB, await keysOf(retried)));
}

/** @returns the latest failure of each message, in their order; null when none was noted. @throws when D1 fails. */
export async function latestFailures(env: Env, messages: readonly Message[]): Promise<(string | null)[]> {
  const keys = await keysOf(messages);
  const reasons = await readFailures(env.DB, keys);
  return keys.map((key) => reasons.get(key) ?? null);
}

/** Removes all notes of these messages. Never throws. */
export async function dropFailures(env: Env, messages: readonly Message[]): Promise<void> {
  await quietly("failure not forgotten", async () => removeFailures(env.DB, await keysOf(messages)));
}

/** @returns the message of an error's first cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : causeOf(error.cause);
}

async function quietly(complaint: string, work: () => Promise<void>): Promise<void> {
  try {
    await withTimeout(work());
  } catch (error) {
    log("warn", complaint, { error: String(error) });
  }
}

function keysOf(messages: readonly Message[]): Promise<string[]> {
  return Promise.all(messages.map(({ body }) => messageKey(body)));
}
