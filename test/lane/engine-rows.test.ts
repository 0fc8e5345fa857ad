import { beforeEach, describe, expect, it, vi } from "vitest";
import { passTime, stopTimers } from "../clock";
import { makeListener } from "../event";
import { alarmOf, laneOf, runAlarm, runAlarms } from "../lane";
import { receiver } from "../receiver";
import { countRows } from "./lane-rows";
import { hand, times } from "./lane-traffic";

const minuteMs = 60_000;
const dayMs = 86_400_000;

// With the timers: an alarm is set only if the receiver does not answer in time.
beforeEach(stopTimers);

/** Lets the lane finish and forget everything, a month later, as it would by cron. */
async function prune(uuid: string): Promise<void> {
  await runAlarms(uuid);
  passTime(31 * dayMs);
  await laneOf(uuid).maintain();
  await runAlarms(uuid);
  expect(await laneOf(uuid).deliveries({ limit: 1 })).toEqual({ deliveries: [], next: null });
}

/** Hands over so many times so many events. @returns the rows written per delivery, from the first one to the pruning. */
async function rowsPerDelivery(traffic: { times: number; batch: number; everyMs: number }): Promise<number> {
  const { received } = receiver();
  const { uuid } = await makeListener();
  const rows = await countRows(uuid);
  const { batch, everyMs } = traffic;
  for (let time = 1; time <= traffic.times; time++) {
    await hand(uuid, times(batch));
    await vi.waitFor(() => expect(received).toHaveLength(time * batch));
    // The last answer is recorded a moment later.
    await vi.waitFor(async () => expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0 }));
    passTime(everyMs);
    if (((await alarmOf(uuid)) ?? Infinity) <= Date.now()) await runAlarm(uuid, 0);
  }
  await prune(uuid);
  expect(received).toHaveLength(traffic.times * batch);
  const perDelivery = rows() / (traffic.times * batch);
  // One row when it is accepted and one when it is delivered: fewer means that some were not counted.
  expect(perDelivery).toBeGreaterThanOrEqual(2);
  // oxlint-disable-next-line no-console -- what a delivery costs
  console.log(`rows written per delivery, ${traffic.times} × ${batch} every ${everyMs} ms: ${perDelivery}`);
  return perDelivery;
}

describe("a first-time success in strict order writes in its lane, alarms and pruning included,", () => {
  it.each([
    ["at most 2.1 rows for 100 single events at once", { times: 100, batch: 1, everyMs: 0 }],
    ["at most 2.1 rows for 100 single events, one every 99 ms", { times: 100, batch: 1, everyMs: 99 }],
    ["at most 2.1 rows for 100 single events, one every 100 ms", { times: 100, batch: 1, everyMs: 100 }],
    ["at most 2.1 rows for 100 single events, one every 249 ms", { times: 100, batch: 1, everyMs: 249 }],
    ["at most 2.1 rows for 100 single events, one every 500 ms", { times: 100, batch: 1, everyMs: 500 }],
    ["at most 2.1 rows for 100 single events, one every 2 s", { times: 100, batch: 1, everyMs: 2000 }],
    ["at most 2.1 rows for 5 batches of 100", { times: 5, batch: 100, everyMs: 0 }],
    ["at most 2.1 rows for 5 batches of 100, one every minute", { times: 5, batch: 100, everyMs: minuteMs }],
  ])("%s", async (_, traffic) => {
    expect(await rowsPerDelivery(traffic)).toBeLessThanOrEqual(2.1);
  });

  it("and at most 3.1 for 100 single events, one every minute", async () => {
    const traffic = { times: 100, batch: 1, everyMs: minuteMs };
    expect(await rowsPerDelivery(traffic)).toBeLessThanOrEqual(3.1);
  });
});
