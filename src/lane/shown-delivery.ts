/** Deliveries for the API and the pages, without texts for callers who may not read them. */
import type { FullDelivery, LoggedAttempt } from "./delivery-log";

/** An attempt. The response is null for callers who may not read it. */
export type ShownAttempt = Omit<LoggedAttempt, "responseHeaders" | "responseBody"> & {
  responseHeaders: Record<string, string> | null;
  responseBody: string | null;
};

/**
 * A delivery. `event`: the event's text; null for callers who may not read it. `body`: of the request; null for them,
 * and when it cannot be rebuilt.
 */
export type ShownDelivery = Omit<FullDelivery, "event" | "history"> & {
  event: string | null;
  body: string | null;
  history: ShownAttempt[];
};

/** @returns the delivery without the event's text, the request body, and the responses' headers and bodies. */
export function withoutTexts(delivery: ShownDelivery): ShownDelivery {
  const history = delivery.history.map((attempt) => ({
    ...attempt,
    responseHeaders: null,
    responseBody: null,
  }));
  return { ...delivery, event: null, body: null, history };
}
