/** A shard and its routing together, with nothing in between replaced. */
import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { makeListener } from "../../event";
import { captureLog } from "../../receiver";
import { archive, event, matching, publish, restart, shard } from "./event-shard";

const all = { after: 0, since: 0, until: Number.MAX_SAFE_INTEGER, limit: 10 };

it("a new shard knows who matches, and goes on without D1, also when it starts again", async () => {
  const { uuid } = await makeListener();
  await archive(event());
  vi.spyOn(env.DB, "prepare").mockImplementation(() => {
    throw new Error("D1 is down");
  });
  for (const again of [false, true]) {
    if (again) await restart();
    expect(await publish([event(), event({ type: "project:deleted" })])).toMatchObject({
      outcome: "archived",
      webhooks: [{ uuid }],
      events: [{ webhooks: [0] }, { webhooks: [] }],
    });
  }
});

it("an announced change is pulled before the next publish; without D1 the publish has to be repeated", async () => {
  captureLog();
  await archive(event());
  await shard().announce("a change");
  const { uuid } = await makeListener();
  const answer = await publish([event()]);
  expect(answer).toMatchObject({ outcome: "archived", webhooks: [{ uuid }] });
  const down = vi.spyOn(env.DB, "prepare").mockImplementation(() => {
    throw new Error("D1 is down");
  });
  const one = event();
  await shard().announce("another change");
  await restart();
  expect(await publish([one])).toMatchObject({ outcome: "unavailable" });
  down.mockRestore();
  expect(await publish([one])).toMatchObject({ outcome: "archived", events: [{ isKnown: false }] });
  await shard().withdraw("another change");
});

it("a late repeat goes to the subscriptions that stood when its event was archived", async () => {
  const { uuid } = await makeListener();
  const one = event();
  await archive(one);
  await shard().announce("a change");
  const { uuid: later } = await makeListener();
  await shard().apply("a change");
  expect(await publish([one])).toMatchObject({ webhooks: [{ uuid }, { uuid: later }] });
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 600_000 });
  expect(await publish([one])).toMatchObject({ webhooks: [{ uuid }], events: [{ webhooks: [0] }] });
  vi.useRealTimers();
});

it("the events that one webhook matches are read by its own subscriptions", async () => {
  const { uuid } = await makeListener();
  await makeListener({ subscriptions: [{ event_type: "**" }] });
  const events = [event(), event({ type: "project:deleted" }), event()];
  const answer = await publish(events);
  const [first, second] = answer.outcome === "archived" ? answer.webhooks : [];
  expect(first?.uuid).toBe(uuid);
  const ofFirst = await matching(first?.id ?? 0, all);
  expect(ofFirst?.events.map((one) => one.uuid)).toEqual([events[0]?.uuid, events[2]?.uuid]);
  const ofSecond = await matching(second?.id ?? 0, all);
  expect(ofSecond?.events.map((one) => one.uuid)).toEqual(events.map((one) => one.uuid));
  expect(await matching(12_345, all)).toEqual({ events: [], next: null });
});
