/** Handing events over to one lane. When two calls fail, the events go to the table `handovers` instead. */
import { appendHandovers } from "./handovers";
import { laneConfigOf, readLaneConfigRow } from "../lane/lane-configs";
import type { MatchedWebhook } from "./matching";
import type { AcceptResult, HandoverEvent, Handover } from "../lane/handover";
import { withTimeout } from "../platform/timeouts";
import { log } from "../platform/log";
import { laneOf } from "../lane/lane-of";

/**
 * Hands events over to a webhook's lane. On return, every event is on disk in the lane or in `handovers`, or the webhook
 * is deleted or disabled. When earlier events of the webhook are pending, these are appended to `handovers` without a
 * call, to keep the order.
 * @returns for each event, whether it is (or will be) a new delivery of this webhook.
 * @throws when neither the lane nor D1 has stored the events: they must not be acknowledged then.
 */
export async function handOverToLane(
  env: Env,
  webhook: MatchedWebhook,
  events: HandoverEvent[],
): Promise<boolean[]> {
  if (webhook.waits === 0) {
    const result = await callLane(env, { config: laneConfigOf(webhook), events });
    if (result?.outcome === "accepted") return result.fresh;
    if (result?.outcome === "refused") return events.map(() => false);
  }
  const uuids = events.map((event) => event.uuid);
  const appended = await appendHandovers(env.DB, webhook.id, uuids);
  if (appended < uuids.length && (await readLaneConfigRow(env.DB, webhook.id)) !== null) {
    throw new Error(`Events for webhook ${webhook.uuid} are neither in its lane nor in D1.`);
  }
  await env.EVENTS.send({ handover: webhook.id }).catch((error) =>
    log("warn", "hand-over left to cron", { webhook: webhook.uuid, error: String(error) }),
  );
  // The lane may have a repeat already. Only a first acceptance is certain to be a new delivery.
  return events.map((event) => !event.maybeKnown);
}

/** The result of a hand-over that reached its lane in time. */
type HandoverResult = Exclude<AcceptResult, { outcome: "late" }>;

/**
 * Calls a lane's `accept`, and once more when the first call fails, times out or is too late for new events.
 * @returns the lane's result, or null when both calls failed.
 */
export async function callLane(env: Env, handover: Handover): Promise<HandoverResult | null> {
  try {
    const result = await callOnce(env, handover);
    if (result.outcome !== "late") return result;
  } catch (error) {
    logFailure(handover, error);
  }
  try {
    // The first call may have been executed, or may be later: the lane must check for repeats.
    const events = handover.events.map((event) => ({ ...event, maybeKnown: true }));
    const result = await callOnce(env, { ...handover, events });
    if (result.outcome === "late")
      throw new Error("The lane answered late to a hand-over of possible repeats.");
    return result;
  } catch (error) {
    logFailure(handover, error);
    return null;
  }
}

async function callOnce(env: Env, handover: Handover): Promise<AcceptResult> {
  const lane = laneOf(env, handover.config.webhook.uuid);
  return withTimeout<AcceptResult>(lane.accept(handover));
}

function logFailure(handover: Handover, error: unknown): void {
  log("warn", "lane call failed", {
    webhook: handover.config.webhook.uuid,
    events: handover.events.length,
    error: String(error),
  });
}
