/** The consumer of the queue `events`: publishes the events in its messages, as the API does. */
import { keepRejected } from "./rejected";
import { log } from "../platform/log";
import { dispatch } from "./dispatch";
import { forgetFailures, noteFailure } from "./failure-notes";
import { handOverTo } from "./hand-over-pending";
import { type Event, eventsMax, parseEvents } from "./parse-events";
import { isHandover, keptText, messageText } from "./queue-message";
import { RequestError } from "../platform/errors";

type Publication = { message: Message; events: Event[] };

/** The most characters of messages that are dispatched together. A longer message is dispatched alone. */
const groupCharactersMax = 1_000_000;

/**
 * Dispatches a batch. A message is acknowledged when its events are stored or when it was kept as rejected. It is
 * retried after any failure of the gateway. Published events come first; then pending events are handed over to lanes,
 * concurrently.
 */
export async function consume(batch: MessageBatch, env: Env): Promise<void> {
  const publications: Publication[] = [];
  const handovers: { message: Message; handover: number }[] = [];
  for (const message of batch.messages) {
    const { body } = message;
    if (isHandover(body)) {
      handovers.push({ message, handover: body.handover });
      continue;
    }
    const text = messageText(body);
    const parsed =
      text === null
        ? { reason: "The message is not valid UTF-8, or contains values that JSON cannot express." }
        : parseEvents(text);
    if ("reason" in parsed) await settle(env, message, () => reject(env, message, parsed.reason));
    else publications.push({ message, events: parsed.events });
  }
  // Queues guarantee no order. The messages of a batch are sorted by the time of their first event.
  publications.sort((a, b) => timeOf(a) - timeOf(b));
  for (const group of groupsOf(publications)) await dispatchGroup(env, group);
  await Promise.all(
    handovers.map(({ message, handover }) => settle(env, message, () => handOver(env, handover))),
  );
}

/** Dispatches messages together; if one conflicts with the archive or cannot be dispatched, each of them alone. */
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
    // When the gateway itself is unavailable, it is so for every message.
    if (group.length > 1 && !(error instanceof RequestError)) return dispatchEach(env, group);
    const messages = group.map(({ message }) => message);
    for (const message of messages) message.retry(retryOptions(message));
    await noteFailure(env, messages, error);
    return;
  }
  await dispatchEach(env, group);
}

async function dispatchEach(env: Env, group: Publication[]): Promise<void> {
  for (const publication of group) await dispatchGroup(env, [publication]);
}

async function handOver(env: Env, handover: number): Promise<void> {
  if (!(await handOverTo(env, handover)))
    throw new Error(`The lane of webhook ${handover} did not accept its events.`);
}

async function reject(env: Env, message: Message, reason: string): Promise<void> {
  log("warn", "queue message rejected", { message_id: message.id, reason });
  await keepRejected(env.DB, [{ messageId: message.id, reason, ...keptText(message.body) }]);
}

/** Acknowledges a message after its work, or lets the queue retry it when the work fails. */
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

/** The delay doubles with each attempt, up to an hour. */
function retryOptions(message: Message): QueueRetryOptions {
  return { delaySeconds: Math.min(2 ** message.attempts, 3600) };
}

function timeOf({ events }: Publication): number {
  return events[0]?.timestampUs ?? 0;
}

/** Groups messages so that each group has at most 100 events and `groupCharactersMax` characters. */
function groupsOf(publications: Publication[]): Publication[][] {
  const groups: Publication[][] = [];
  let [events, characters] = [0, 0];
  for (const publication of publications) {
    const size = publication.events.reduce((sum, { body }) => sum + body.length, 0);
    if (publication.events.length > events || size > characters) {
      groups.push([]);
      [events, characters] = [eventsMax, groupCharactersMax];
    }
    groups.at(-1)?.push(publication);
    events -= publication.events.length;
    characters -= size;
  }
  return groups;
}
