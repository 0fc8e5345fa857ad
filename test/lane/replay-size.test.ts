import { runInDurableObject } from "cloudflare:test";
import { beforeEach, expect, it } from "vitest";
import { stopClock } from "../clock";
import { makeEvents, makeListener } from "../event";
import { configOf, handoverEvent, laneOf } from "../lane";
import { receiver } from "../receiver";
import { deliveriesTable } from "./lane-rows";

beforeEach(stopClock);

/** A paused lane with so many dead letters: written as such, since it would take long to give them up. */
async function withDead(count: number): Promise<string> {
  receiver();
  const { uuid } = await makeListener();
  const lane = laneOf(uuid);
  const config = await configOf(uuid);
  await lane.configure(config);
  await lane.pause();
  await lane.accept({ config, events: makeEvents(count).map((event) => handoverEvent(event)) });
  await runInDurableObject(lane, (_, { storage: { sql } }) => {
    sql.exec(`UPDATE ${deliveriesTable(sql)} SET status = 2, attempts = 1`);
  });
  return uuid;
}

it("a replay of more than 1,000 deliveries says exactly how many they are", async () => {
  const lane = laneOf(await withDead(1500));
  const started = await lane.replay({ kind: "dead", since: 0, until: Date.now() + 1 });
  expect(started).toMatchObject({ outcome: "started", queued: 1500 });
  const id = started.outcome === "started" ? started.id : "";
  expect(await lane.replayProgress(id)).toMatchObject({ queued: 1500, isExact: true, sent: 0, done: false });
});

it("a replay of more than 50,000 says that there are more", async () => {
  const lane = laneOf(await withDead(50_001));
  const started = await lane.replay({ kind: "all", since: 0, until: Date.now() + 1 });
  expect(started).toMatchObject({ outcome: "started", queued: 50_000 });
  const id = started.outcome === "started" ? started.id : "";
  expect(await lane.replayProgress(id)).toMatchObject({ queued: 50_000, isExact: false });
});
