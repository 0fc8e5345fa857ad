/** Driving one lane through hours and days: what is handed to it, and its alarms as their time comes. */
import { expect, vi } from "vitest";
import type { HandoverEvent } from "../../src/lane/handover";
import { api, notifications } from "../api";
import { passTime } from "../clock";
import { makeEvent } from "../event";
import { alarmOf, configOf, handoverEvent, laneOf, runAlarm } from "../lane";
import { type Received } from "../receiver";

/** Hands events to a lane as dispatch does, each with the job that it is about (null: about none). */
export async function hand(uuid: string, jobs: readonly (string | null)[]): Promise<HandoverEvent[]> {
  const events = jobs.map((job) => handoverEvent(makeEvent(), { jobUuid: job }));
  const answer = await laneOf(uuid).accept({ config: await configOf(uuid), events });
  expect(answer).toEqual({ outcome: "accepted", fresh: events.map(() => true) });
  return events;
}

/** So many times the same job. */
export function times(count: number, job: string | null = null): (string | null)[] {
  return Array.from({ length: count }, () => job);
}

/** Lets the lane do all that is due now. */
export function settle(uuid: string): Promise<boolean> {
  return runAlarm(uuid, 0);
}

/** Runs the lane's alarms, each when its time comes, up to a time in ms or until there is none or `enough`. */
export async function runUntil(
  uuid: string,
  until: number,
  enough: () => boolean = () => false,
): Promise<void> {
  await settle(uuid);
  for (;;) {
    const at = await alarmOf(uuid);
    if (at === null || at > until || enough()) return;
    await runAlarm(uuid, Math.max(at - Date.now(), 0));
  }
}

/** Lets time pass as it does: with the lane's alarms. */
export async function live(uuid: string, ms: number, enough?: () => boolean): Promise<void> {
  const until = Date.now() + ms;
  await runUntil(uuid, until, enough);
  if (enough?.() !== true) passTime(Math.max(until - Date.now(), 0));
}

/** Changes a webhook. */
export async function change(uuid: string, changes: Record<string, unknown>): Promise<void> {
  const { status } = await api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, changes);
  expect(status).toBe(200);
}

/** The sequences of what was received, in order. */
export function sequencesOf(received: readonly Received[]): number[] {
  return received.map(({ headers }) => Number(headers.get("X-Orchest-Sequence")));
}

/** From one number to another, both included. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Puts chance in the middle: no jitter. */
export function withoutJitter(): void {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
}
