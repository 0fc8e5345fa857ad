/** Hands events over to one lane. */
import type { AcceptResult, Handover } from "../lane/handover";
import { laneOf } from "../lane/lane-of";
import { log } from "../platform/log";
import { isOverloaded } from "../platform/repeat-transient";
import { withTimeout } from "../platform/timeouts";

/** The timeout of a call. The lane is called at most twice. */
const callMs = 2500;

/** The result of a hand-over that reached its lane in time. */
type HandoverResult = Exclude<AcceptResult, { outcome: "late" }>;

/**
 * Calls a lane's `accept`, and once more when the first call fails, times out or is too late for new events. A
 * lane that is overloaded is not called again.
 * @param leftMs gives the remaining time in ms. The lane is not called when no time is left.
 * @returns the lane's result; null when no call got one in time.
 */
export async function callLane(
  env: Env,
  handover: Handover,
  leftMs: () => number = () => callMs,
): Promise<HandoverResult | null> {
  for (const isAgain of [false, true]) {
    const ms = Math.min(callMs, leftMs());
    if (ms <= 0) return null;
    try {
      const lane = laneOf(env, handover.config.webhook.uuid);
      const tried = isAgain ? maybeKnown(handover) : handover;
      const result = await withTimeout<AcceptResult>(lane.accept(tried), ms);
      if (result.outcome !== "late") return result;
      if (isAgain) throw new Error("The lane answered late to a hand-over of possible repeats.");
    } catch (error) {
      log("warn", "lane call failed", {
        webhook: handover.config.webhook.uuid,
        events: handover.events.length,
        error: String(error),
      });
      if (isOverloaded(error)) return null;
    }
  }
  return null;
}

/** The hand-over for a second call: the first one may have been executed, or may still be, so that the lane must look for repeats. */
function maybeKnown(handover: Handover): Handover {
  return { ...handover, events: handover.events.map((event) => ({ ...event, maybeKnown: true })) };
}
