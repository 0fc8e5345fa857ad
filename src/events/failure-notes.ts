/**
 * Writing down why queue messages fail, for the consumer of the dead-letter queue. Only as well as can be: a
 * note that cannot be written or removed is logged and changes nothing for the messages.
 */
import { readFailures, removeFailures, writeFailures } from "./queue-failures";
import { log } from "../platform/log";
import { isHandover, messageKey } from "./queue-message";

const reasonCharactersMax = 1000;

/** Notes what stopped these messages; hand-overs are never kept, and need no reason. Never throws. */
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

/** Removes the notes of messages that were settled. Those of a first try have none. Never throws. */
export async function forgetFailures(env: Env, messages: readonly Message[]): Promise<void> {
  const retried = messages.filter(({ attempts }) => attempts > 1);
  if (retried.length === 0) return;
  await quietly("failure not forgotten", async () => removeFailures(env.DB, await keysOf(retried)));
}

/** The latest failure of each message, in their order; null where none could be noted. */
export async function latestFailures(env: Env, messages: readonly Message[]): Promise<(string | null)[]> {
  const keys = await keysOf(messages);
  const reasons = await readFailures(env.DB, keys);
  return keys.map((key) => reasons.get(key) ?? null);
}

/** Removes all notes of these messages. Never throws. */
export async function dropFailures(env: Env, messages: readonly Message[]): Promise<void> {
  await quietly("failure not forgotten", async () => removeFailures(env.DB, await keysOf(messages)));
}

/** What an error says that was at the beginning of it. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : causeOf(error.cause);
}

async function quietly(complaint: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log("warn", complaint, { error: String(error) });
  }
}

function keysOf(messages: readonly Message[]): Promise<string[]> {
  return Promise.all(messages.map(({ body }) => messageKey(body)));
}
