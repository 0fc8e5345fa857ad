/** Reads details of a lane's deliveries for the pages and the API. Writes nothing. */
import { deliveryUuid } from "../send/delivery-uuid";
import { MessageError, messageOrError } from "../send/message/build-message";
import { shownHeaders } from "../send/sender";
import type { FullDelivery, LoggedDelivery, LogPage, LogQuery } from "./delivery-log";
import type { LaneStorage } from "./lane-storage";

/** The most parts of the log that one call scans for dead letters. */
const deadLooksMax = 5;

/**
 * @returns a delivery with all headers and the exact body of its latest attempt; null when it does not exist. `body`:
 *   null when it cannot be rebuilt.
 */
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
  // The body cannot be rebuilt: the log does not store templates, which may contain secrets.
  if (shape.format === "template") return { ...full, body: null };
  const others = full.carries.map((other) => storage?.log.eventOf(other) ?? "{}");
  const built = messageOrError({ ...shape, ...message, template: null, event: full.event, others });
  if (built instanceof MessageError) return { ...full, body: null };
  const headers = shownHeaders({ ...shape, built }, message, full.sent.headers);
  return { ...full, sent: { ...full.sent, headers }, body: built.body };
}

/**
 * @returns a page of dead letters, newest first, and the number of all. @param page.before only lower sequence numbers.
 */
export async function readDeadLetters(
  storage: LaneStorage | null,
  page: Pick<LogQuery, "limit" | "before" | "withTitles">,
): Promise<LogPage & { count: number }> {
  if (storage === null) return { count: 0, deliveries: [], next: null };
  const { log, counters } = storage;
  let found = log.list({ ...page, status: "dead" });
  // They may be far back in the log. Other calls run between two scans.
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
