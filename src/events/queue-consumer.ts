/** The consumer of the queue `events`: the same events as over HTTPS, in messages. */
import { keepRejected } from "./rejected";
import { log } from "../platform/log";
import { dispatch } from "./dispatch";
import { forgetFailures, noteFailure } from "./failure-notes";
import { handOverTo, handOverBulk } from "./hand-over-pending";
import { type Event, eventsMax, parseEvents } from "./parse-events";
import { type HandoverMessage, isHandover, keptText, messageText } from "./queue-message";

type Publication = { message: Message; events: Event[] };

/**
 * Dispatches a batch. A message is acknowledged when its events are on disk or when it was kept as rejected; any
 * failure of ours leaves it to be retried.
 */
export async function consume(batch: MessageBatch, env: Env): Promise<void> {
  const publications: Publication[] = [];
  for (const message of batch.messages) {
    const { body } = message;
    if (isHandover(body)) {
      await settle(env, message, () => handOver(env, body));
      continue;
    }
    const text = messageText(body);
    const parsed =
      text === null
        ? { reason: "The message is not valid UTF-8, or holds what JSON cannot express." }
        : parseEvents(text);
    if ("reason" in parsed) await settle(env, message, () => reject(env, message, parsed.reason));
    else publications.push({ message, events: parsed.events });
  }
  // Queues promise no order: what stands in one batch is put in order, messages as a whole.
  publications.sort((a, b) => timeOf(a) - timeOf(b));
  for (const group of groupsOf(publications)) await dispatchGroup(env, group);
}

/** Dispatches messages together; when one conflicts with the archive, each of them alone. */
async function dispatchGroup(env: Env, group: Publication[]): Promise<void> {
  try {
    const result = await dispatch(
      env,
      group.flatMap(({ events }) => events),
      { publisher: "queue" },
    );
    if ("accepted" in result) {
      for (const { message } of group) message.ack();
      await forgetFailures(
        env,
        group.map(({ message }) => message),
      );
      return;
    }
    const [only] = group;
    if (group.length === 1 && only !== undefined) {
      const uuids = result.conflicts.join(", ");
      await reject(env, only.message, `Another event is known under the uuid ${uuids}.`);
      only.message.ack();
      await forgetFailures(env, [only.message]);
      return;
    }
  } catch (error) {
    log("error", "queue messages not dispatched", { messages: group.length, error: String(error) });
    const messages = group.map(({ message }) => message);
    for (const message of messages) message.retry(retryOptions(message));
    await noteFailure(env, messages, error);
    return;
  }
  for (const publication of group) await dispatchGroup(env, [publication]);
}

async function handOver(env: Env, { handover }: HandoverMessage): Promise<void> {
  if (handover === null) return handOverBulk(env);
  if (!(await handOverTo(env, handover)))
    throw new Error(`The lane of webhook ${handover} did not take its events.`);
}

async function reject(env: Env, message: Message, reason: string): Promise<void> {
  log("warn", "queue message rejected", { message_id: message.id, reason });
  await keepRejected(env.DB, [{ messageId: message.id, reason, ...keptText(message.body) }]);
}

/** Acknowledges a message when its work is done, and has it retried when the work fails. */
async function settle(env: Env, message: Message, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    message.ack();
    await forgetFailures(env, [message]);
  } catch (error) {
    log("error", "queue message not settled", { message_id: message.id, error: String(error) });
    message.retry(retryOptions(message));
    await noteFailure(env, [message], error);
  }
}

/** Twice as long each time, up to an hour. */
function retryOptions(message: Message): QueueRetryOptions {
  return { delaySeconds: Math.min(2 ** message.attempts, 3600) };
}

function timeOf({ events }: Publication): number {
  return events[0]?.timestampUs ?? 0;
}

/** As many messages as make up to 100 events. */
function groupsOf(publications: Publication[]): Publication[][] {
  const groups: Publication[][] = [];
  let left = 0;
  for (const publication of publications) {
    if (publication.events.length > left) {
      groups.push([]);
      left = eventsMax;
    }
    groups.at(-1)?.push(publication);
    left -= publication.events.length;
  }
  return groups;
}
