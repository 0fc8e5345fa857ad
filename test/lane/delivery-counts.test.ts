/** What a delivery costs, counted: rows in its lane and its shard and in D1, statements, calls, alarms. Times are the bench's business. */
import { env } from "cloudflare:workers";
import { beforeEach, expect, it, vi } from "vitest";
import { passTime, stopTimers } from "../clock";
import { makeEvents, makeListener, publish } from "../event";
import { alarmOf, interceptAccept, laneOf, runAlarm } from "../lane";
import { receiver } from "../receiver";
import { countRows } from "./lane-rows";

const minuteMs = 60_000;
/** So many that the lane's own records, written every 200 attempts, are counted as often as they are written. */
const deliveries = 200;

// With the timers, too: whether an event is delivered before its 202 must not depend on the machine.
beforeEach(stopTimers);

/** Of each delivery. */
type Counts = { rows: number; d1Rows: number; d1Statements: number; calls: number; alarms: number };

/** Publishes `deliveries` events, so many in a request and a minute apart, to one webhook that takes them at once. */
async function count(batch: number): Promise<Counts> {
  const { received } = receiver();
  const { uuid } = await makeListener();
  const rows = await countRows(uuid);
  const d1 = countInD1();
  const { calls } = interceptAccept((_call, _handover, passOn) => passOn());
  let alarms = 0;
  for (let sent = batch; sent <= deliveries; sent += batch) {
    await publish(makeEvents(batch));
    await vi.waitFor(() => expect(received).toHaveLength(sent));
    // Its answer is recorded a moment later.
    await vi.waitFor(async () => expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0 }));
    passTime(minuteMs);
    if ((await alarmOf(uuid)) === null) continue;
    await runAlarm(uuid, 0);
    alarms += 1;
  }
  // One in the shard, one when it is accepted and one when it is delivered: fewer means that some were not counted.
  expect(rows()).toBeGreaterThanOrEqual(3 * deliveries);
  return {
    rows: rows() / deliveries,
    d1Rows: d1().rows / deliveries,
    d1Statements: d1().statements / deliveries,
    calls: calls() / deliveries,
    alarms: alarms / deliveries,
  };
}

/** Counts the statements that are made for D1 from now on, and the rows that dispatches write there. */
function countInD1(): () => { statements: number; rows: number } {
  const prepared = vi.spyOn(env.DB, "prepare");
  let rows = 0;
  const batch = env.DB.batch.bind(env.DB);
  vi.spyOn(env.DB, "batch").mockImplementation(async (run) => {
    const results = await batch(run);
    for (const { meta } of results) rows += meta.rows_written;
    return results;
  });
  return () => ({ statements: prepared.mock.calls.length, rows });
}

it("a single event costs two rows in its lane, one in its shard and none in D1, one call and hardly an alarm", async () => {
  const { rows, d1Rows, d1Statements, calls, alarms } = await count(1);
  expect(rows).toBeLessThanOrEqual(3.08);
  expect(d1Rows).toBe(0);
  expect(d1Statements).toBe(0);
  expect(calls).toBe(1);
  expect(alarms).toBe(0);
});

it("one of a hundred costs two rows in its lane, one in its shard and none in D1, and a hundredth of a call and an alarm", async () => {
  const { rows, d1Rows, d1Statements, calls, alarms } = await count(100);
  expect(rows).toBeLessThanOrEqual(3.08);
  expect(d1Rows).toBe(0);
  expect(d1Statements).toBe(0);
  expect(calls).toBe(0.01);
  expect(alarms).toBeLessThanOrEqual(0.01);
});
