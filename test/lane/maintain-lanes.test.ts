import { env } from "cloudflare:workers";
import { beforeEach, expect, it, vi } from "vitest";
import { maintainLanes } from "../../src/lane/maintain-lanes";
import { passTime, stopClock } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { laneOf, runAlarms } from "../lane";
import { receiver } from "../receiver";
import { hand, settle } from "./lane-traffic";

const minuteMs = 60_000;
const dayMs = 86_400_000;

beforeEach(stopClock);

const wholeDay = Array.from({ length: 1440 }, (_, minute) => minute);

/** Runs cron in these minutes of a day, counted from midnight. @returns which lanes it called, and in which minutes. */
async function calledIn(minutes: readonly number[]): Promise<{ called: string[]; busy: number[] }> {
  const called: string[] = [];
  const busy = new Set<number>();
  let current = 0;
  const getByName = vi.spyOn(env.LANES, "getByName").mockImplementation((uuid) => {
    called.push(uuid);
    busy.add(current);
    return laneOf(uuid);
  });
  for (current of minutes) await maintainLanes(env, current * minuteMs);
  getByName.mockRestore();
  return { called: called.toSorted(), busy: [...busy] };
}

it("cron calls once a day every lane that holds anything, and one that was found empty only after it was handed something", async () => {
  receiver();
  const holding = await makeListener();
  const empty = await makeListener();
  await hand(holding.uuid, [null, null]);
  await settle(holding.uuid);
  const { called, busy } = await calledIn(wholeDay);
  expect(called).toEqual([holding.uuid, empty.uuid].toSorted());
  // A lane's minute is the same each day.
  expect((await calledIn(busy)).called).toEqual([holding.uuid]);
  await hand(empty.uuid, [null]);
  await runAlarms(empty.uuid);
  passTime(31 * dayMs);
  expect((await calledIn(busy)).called).toEqual([holding.uuid, empty.uuid].toSorted());
  // By then all deliveries of both were forgotten.
  expect((await calledIn(busy)).called).toEqual([]);
});

it("a lane that was found empty, and got all that it has by a replay, is one that holds something", async () => {
  const { received } = receiver();
  await publish(makeEvent());
  passTime(1000);
  const { uuid } = await makeListener();
  const isInUse = () =>
    env.DB.prepare("SELECT in_use FROM webhooks WHERE uuid = ?").bind(uuid).first<number>("in_use");
  await laneOf(uuid).maintain();
  expect(await isInUse()).toBe(0);
  await laneOf(uuid).replay({ kind: "missing", since: 0, until: Date.now() });
  await runAlarms(uuid, () => received.length === 1);
  await runAlarms(uuid);
  expect(await isInUse()).toBe(1);
});
