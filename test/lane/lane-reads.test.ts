import { beforeEach, expect, it } from "vitest";
import { passTime, stopClock } from "../clock";
import { makeListener } from "../event";
import { laneOf } from "../lane";
import { receiver } from "../receiver";
import { countRows } from "./lane-rows";
import { hand, settle } from "./lane-traffic";

beforeEach(stopClock);

/** Every call that only reads. */
async function readAll(uuid: string, eventUuid: string): Promise<void> {
  const lane = laneOf(uuid);
  await lane.stats();
  await lane.history();
  await lane.deliveries({ limit: 10, withTitles: true });
  await lane.deadLetters({ limit: 10, withTitles: true });
  await lane.delivery(1);
  await lane.deliveryOf(eventUuid, Date.now());
  await lane.replayProgress(crypto.randomUUID());
  await lane.blockedBy(5);
}

it.each([
  ["right away", 0],
  ["when a retry is due", 5_000_000],
  ["after the clock went back an hour", -3_600_000],
])("reading a lane writes nothing, %s", async (_, passedMs) => {
  receiver(() => new Response(null, { status: 500 }));
  const { uuid } = await makeListener({ ordering: "keyed" });
  const [first] = await hand(uuid, ["a", "b", "b"]);
  await settle(uuid);
  const rows = await countRows(uuid);
  passTime(passedMs);
  await readAll(uuid, first?.uuid ?? "");
  expect(rows()).toBe(0);
  // The spy counts: a change writes.
  await laneOf(uuid).pause();
  expect(rows()).toBeGreaterThan(0);
});
