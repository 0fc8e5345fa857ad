/** One hand-over to one lane. */
import type { AcceptResult, Handover } from "../lane/handover";
import { laneOf } from "../lane/lane-of";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";

/** How long a lane may take. It is called twice. */
const callMs = 2500;

/** The result of a hand-over that reached its lane in time. */
type HandoverResult = Exclude<AcceptResult, { outcome: "late" }>;

/**
 * Calls a lane's `accept`, and once more when the first call fails, times out or is too late for new events.
 * @param leftMs how much time there is now, in ms; when there is none, the lane is not called.
 * @returns the lane's result, or null when no call reached it in time.
 */
export async function callLane(
  env: Env,
  handover: Handover,
  leftMs: () => number = () => callMs,
): Promise<HandoverResult | null> {
  // The first call may have been executed, or may be later: then the lane must look for repeats.
  const again = { ...handover, events: handover.events.map((event) => ({ ...event, maybeKnown: true })) };
  for (const tried of [handover, again]) {
    const ms = Math.min(callMs, leftMs());
    if (ms <= 0) return null;
    try {
      const lane = laneOf(env, handover.config.webhook.uuid);
      const result = await withTimeout<AcceptResult>(lane.accept(tried), ms);
      if (result.outcome !== "late") return result;
      if (tried === again) throw new Error("The lane answered late to a hand-over of possible repeats.");
    } catch (error) {
      log("warn", "lane call failed", {
        webhook: handover.config.webhook.uuid,
        events: handover.events.length,
        error: String(error),
      });
    }
  }
  return null;
}
