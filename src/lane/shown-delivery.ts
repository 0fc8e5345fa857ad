/** A delivery as the API and the pages show it: its texts are left out for those who may not read them. */
import type { FullDelivery, LoggedAttempt } from "./delivery-log";

/** An attempt; what was answered is null for those who may not read it. */
export type ShownAttempt = Omit<LoggedAttempt, "responseHeaders" | "responseBody"> & {
  responseHeaders: Record<string, string> | null;
  responseBody: string | null;
};

/** `event`: its text, null for those who may not read it. `body`: of the request, null also where it cannot be told any more. */
export type ShownDelivery = Omit<FullDelivery, "event" | "history"> & {
  event: string | null;
  body: string | null;
  history: ShownAttempt[];
};

/** @returns the delivery without the event's text, the sent body, and the answers' headers and bodies. */
export function withoutTexts(delivery: ShownDelivery): ShownDelivery {
  const history = delivery.history.map((attempt) => ({
    ...attempt,
    responseHeaders: null,
    responseBody: null,
  }));
  return { ...delivery, event: null, body: null, history };
}
