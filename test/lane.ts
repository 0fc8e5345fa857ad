/** Looking into lanes, and running their alarms by hand. */
import { env } from "cloudflare:workers";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import { readLaneConfig } from "../src/lane/lane-configs";
import type { AcceptResult, HandoverEvent, Handover, LaneConfig } from "../src/lane/handover";
import type { WebhookLane } from "../src/lane/webhook-lane";
import { passTime } from "./clock";

/** The lane of a webhook. */
export function laneOf(webhookUuid: string): DurableObjectStub<WebhookLane> {
  return env.LANES.get(env.LANES.idFromName(webhookUuid));
}

/** What happens to a call of a lane on its way. @param call counts them, from 1. */
export type Fault = (
  call: number,
  handover: Handover,
  passOn: () => Promise<AcceptResult>,
) => Promise<AcceptResult>;

/** Stands between dispatch and the lanes, for the rest of the test. @returns how many calls there were. */
export function interceptAccept(fault: Fault): { calls: () => number } {
  let calls = 0;
  vi.spyOn(env.LANES, "getByName").mockImplementation((name) => {
    const lane = laneOf(name);
    const accept = (handover: Handover): Promise<AcceptResult> => {
      calls += 1;
      return fault(calls, handover, async () => lane.accept(handover));
    };
    return new Proxy(lane, {
      get: (target, key) => (key === "accept" ? accept : Reflect.get(target, key)),
    });
  });
  return { calls: () => calls };
}

/** Runs the lane's alarm now, as if its time had come: so far ahead that every retry is due. */
export function runAlarm(webhookUuid: string, aheadMs = 5_000_000): Promise<boolean> {
  passTime(aheadMs);
  return runDurableObjectAlarm(laneOf(webhookUuid));
}

/** Lets time pass for a lane whose timers stand still (`stopTimers`): what waited in it goes on there, as it must. */
export function passTimeIn(webhookUuid: string, ms: number): Promise<void> {
  return runInDurableObject(laneOf(webhookUuid), () => void vi.advanceTimersByTime(ms));
}

/** Runs the lane's alarms, each as if its time had come, until there is none or `enough`. */
export async function runAlarms(webhookUuid: string, enough: () => boolean = () => false): Promise<void> {
  while (!enough() && (await runAlarm(webhookUuid)));
}

/** When the lane's alarm stands, in ms, or null. */
export function alarmOf(webhookUuid: string): Promise<number | null> {
  return runInDurableObject(laneOf(webhookUuid), (_, { storage }) => storage.getAlarm());
}

/** Sets the lane's alarm, as the platform does to repeat one that was cut. */
export function setAlarmOf(webhookUuid: string, at: number): Promise<void> {
  return runInDurableObject(laneOf(webhookUuid), (_, { storage }) => storage.setAlarm(at));
}

/** The configuration that a dispatch would hand over now. */
export async function configOf(webhookUuid: string): Promise<LaneConfig> {
  const config = await readLaneConfig(env.DB, webhookUuid);
  if (config === null) throw new Error(`There is no webhook ${webhookUuid}.`);
  return config;
}

/** An event as dispatch hands it over. */
export function handoverEvent(
  event: { uuid: string } & Record<string, unknown>,
  changes: Partial<HandoverEvent> = {},
): HandoverEvent {
  return {
    uuid: event.uuid,
    type: "project:created",
    projectUuid: null,
    jobUuid: null,
    body: JSON.stringify(event),
    firstAcceptedAt: Date.now(),
    maybeKnown: false,
    ...changes,
  };
}
