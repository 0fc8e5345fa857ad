/** What the pages and the API read of a lane's deliveries beyond a plain list. Nothing here writes. */
import { deliveryUuid } from "../send/delivery-uuid";
import { buildMessage } from "../send/message/build-message";
import { shownHeaders } from "../send/sender";
import type { FullDelivery, LoggedDelivery, LogPage, LogQuery } from "./delivery-log";
import type { LaneStorage } from "./lane-storage";

/** How many stretches of the log one call looks through for dead letters. */
const deadLooksMax = 5;

/** One delivery with all headers and the exact body of its latest attempt; null when there is none. */
export function readDelivery(
  storage: LaneStorage | null,
  sequence: number,
): (FullDelivery & { body: string | null }) | null {
  const full = storage?.log.full(sequence) ?? null;
  const shape = full?.sent && storage?.requestShapes.of(full.sent.configVersion);
  if (!full?.sent || !shape) return full && { ...full, body: null };
  const message = {
    deliveryUuid: deliveryUuid(shape.webhook.uuid, sequence),
    eventType: full.eventType,
    place: { sequence },
  };
  // A template may hold secrets: the log keeps none.
  if (shape.format === "template") return { ...full, body: null };
  const others = full.carries.map((other) => storage?.log.eventOf(other) ?? "{}");
  const built = buildMessage({ ...shape, ...message, template: null, event: full.event, others });
  const headers = shownHeaders({ ...shape, built }, message, full.sent.headers);
  return { ...full, sent: { ...full.sent, headers }, body: built.body };
}

/** The dead letters, newest first, and how many there are in all. @param page.before only sequences below. */
export async function readDeadLetters(
  storage: LaneStorage | null,
  page: Pick<LogQuery, "limit" | "before" | "withTitles">,
): Promise<LogPage & { count: number }> {
  if (storage === null) return { count: 0, deliveries: [], next: null };
  const { log, counters } = storage;
  let found = log.list({ ...page, status: "dead" });
  // They may lie far back. Between two looks other calls have their turn.
  for (let looks = 1; looks < deadLooksMax && found.deliveries.length === 0 && found.next !== null; looks++) {
    await scheduler.wait(0);
    found = log.list({ ...page, status: "dead", before: found.next });
  }
  return { ...found, count: counters.dead };
}

/** The first deliveries that failed and block what is behind them, at most `limit`. @param options as in `LogQuery`. */
export function readBlocking(
  storage: LaneStorage | null,
  limit: number,
  options?: Pick<LogQuery, "withTitles">,
): LoggedDelivery[] {
  if (storage === null || storage.backlog === 0 || storage.schedule.ordering === "none") return [];
  return storage.log.failed(limit, options);
}
