/** The consumer of the queue `events`: publishes the events in its messages, as the API does. */
import { keepRejected, keepRejectedOnce } from "./rejected";
import { forEachConcurrent } from "../platform/concurrency";
import { log } from "../platform/log";
import { dispatch } from "./dispatch";
import { forgetFailures, noteFailure } from "./failure-notes";
import { handOverTo } from "./hand-over-pending";
import { type Event, eventsMax, parseEvents } from "./parse-events";
import { isHandover, keptText, messageText } from "./queue-message";
import { RequestError } from "../platform/errors";
import { withTimeout } from "../platform/timeouts";

type Publication = { message: Message; events: Event[] };

/** What is done once all events of a batch are published. It never throws. */
type Followup = () => Promise<void>;

/** The most characters of messages that are dispatched together. A longer message is dispatched alone. */
const groupCharactersMax = 1_000_000;
/** How many follow-ups run at once: each hand-over has a page of events in memory. */
const followupsAtOnce = 20;

/**
 * Dispatches a batch. A message is acknowledged when its events are stored or when it was kept as rejected. It is
 * retried after any failure of the gateway. Published events come first, and wait for no message that cannot be
 * published; then messages are rejected, failures noted, and pending events handed over to lanes, concurrently.
 */
export async function consume(batch: MessageBatch, env: Env): Promise<void> {
  const publications: Publication[] = [];
  const handovers: Followup[] = [];
  const followups: Followup[] = [];
  for (const message of batch.messages) {
    const { body } = message;
    if (isHandover(body)) {
      handovers.push(() => settle(env, message, () => handOver(env, body.handover)));
      continue;
    }
    const text = messageText(body);
    const parsed =
      text === null
        ? { reason: "The message is not valid UTF-8, or contains values that JSON cannot express." }
        : parseEvents(text);
    if ("events" in parsed) publications.push({ message, events: parsed.events });
    else followups.push(() => settle(env, message, () => reject(env, message, parsed.reason)));
  }
  // Queues guarantee no order. The messages of a batch are sorted by the time of their first event.
  publications.sort((a, b) => timeOf(a) - timeOf(b));
  for (const group of groupsOf(publications)) await dispatchGroup(env, group, followups);
  await forEachConcurrent(followupsAtOnce, [...followups, ...handovers], (followup) => followup());
}

/**
 * Dispatches messages together. If events conflict with the archive, their messages are dispatched alone; if the
 * messages cannot be dispatched, each of them is.
 */
async function dispatchGroup(env: Env, group: Publication[], followups: Followup[]): Promise<void> {
  const messages = group.map(({ message }) => message);
  for (const part of await dispatchOnce()) await dispatchGroup(env, part, followups);

  /** @returns the parts to dispatch again; none when the messages are done. */
  async function dispatchOnce(): Promise<Publication[][]> {
    const events = group.flatMap((publication) => publication.events);
    try {
      const result = await dispatch(env, events, { publisher: "queue" });
      if ("accepted" in result) {
        for (const message of messages) message.ack();
        followups.push(() => forgetFailures(env, messages));
        return [];
      }
      if (group.length > 1) return partsOf(group, result.conflicts);
      const reason = `Another event is known under the uuid ${result.conflicts.join(", ")}.`;
      for (const message of messages) {
        followups.push(() => settle(env, message, () => reject(env, message, reason)));
      }
      return [];
    } catch (error) {
      log("error", "queue messages not dispatched", { messages: group.length, error: String(error) });
      // When the gateway itself is unavailable, it is so for every message.
      if (group.length > 1 && !(error instanceof RequestError)) return group.map((one) => [one]);
      for (const message of messages) message.retry(retryOptions(message));
      followups.push(() => noteFailure(env, messages, error));
      return [];
    }
  }
}

/** @returns the messages in their order: each with one of these uuids alone, and those between them together. */
function partsOf(group: Publication[], conflicts: readonly string[]): Publication[][] {
  const uuids = new Set(conflicts);
  const parts: Publication[][] = [];
  let isAlone = true;
  for (const publication of group) {
    const wasAlone = isAlone;
    isAlone = publication.events.some(({ uuid }) => uuids.has(uuid));
    if (isAlone || wasAlone) parts.push([]);
    parts.at(-1)?.push(publication);
  }
  return parts.length > 1 ? parts : group.map((one) => [one]);
}

async function handOver(env: Env, handover: number): Promise<void> {
  if (!(await handOverTo(env, handover)))
    throw new Error(`The lane of webhook ${handover} did not accept its events.`);
}

async function reject(env: Env, message: Message, reason: string): Promise<void> {
  log("warn", "queue message rejected", { message_id: message.id, reason });
  const rejected = { messageId: message.id, reason, ...keptText(message.body) };
  // An earlier attempt may have kept it after its timeout.
  const kept = message.attempts > 1 ? keepRejectedOnce(env.DB, rejected) : keepRejected(env.DB, [rejected]);
  await withTimeout(kept);
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
