import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import gateway from "../../src/index";
import { passTime, stopClock } from "../clock";
import { makeEvent, makeEvents, makeListener } from "../event";
import { consume, rejected } from "../queue";
import { receiver } from "../receiver";

const dayMs = 86_400_000;
let logged: () => string;

beforeEach(async () => {
  stopClock();
  ({ logged } = receiver());
  await makeListener();
});

/** What is written down, oldest first. */
async function notes(): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT reason FROM queue_failures ORDER BY failed_at").all<{
    reason: string;
  }>();
  return results.map(({ reason }) => reason);
}

/** Has no event shard answer. */
function breakShards(because: string): { mockRestore: () => void } {
  return vi.spyOn(env.SHARDS, "getByName").mockImplementation(() => {
    throw new Error(because);
  });
}

/** Has messages fail in the main consumer. */
async function fail(bodies: unknown[], { because = "Shard is full", attempts = 1 } = {}): Promise<void> {
  const broken = [breakShards(because), vi.spyOn(env.DB, "batch").mockRejectedValue(new Error(because))];
  await consume(bodies, "events", attempts);
  for (const one of broken) one.mockRestore();
}

const reasons = async (): Promise<string[]> => (await rejected()).map(({ reason }) => reason);

describe("a queue message that was given up", () => {
  it.each([
    ["a structured body", (event: object): unknown => event],
    ["a text", (event: object): unknown => JSON.stringify(event)],
    ["bytes", (event: object): unknown => new TextEncoder().encode(JSON.stringify(event))],
  ])("as %s is kept with the reason of its latest failure, whatever its id is now", async (_, bodyOf) => {
    const body = bodyOf(makeEvent());
    await fail([body], { because: "an earlier failure" });
    await fail([makeEvent(), body], { because: "Shard is full", attempts: 2 });
    await consume([body], "events-dlq");
    expect(await reasons()).toEqual([
      "The gateway failed to dispatch it in all its retries. The latest failure: Shard is full",
    ]);
  });

  it("is kept with a word about the log when nothing could be written down", async () => {
    await consume([makeEvent()], "events-dlq");
    expect(await reasons()).toEqual([
      "The gateway failed to dispatch it in all its retries; see its log for the cause.",
    ]);
  });

  it("gets the reason that is its own", async () => {
    const [first, second, third] = makeEvents(3);
    await fail([first], { because: "one" });
    await fail([third], { because: "three" });
    await consume([first, second, third], "events-dlq");
    expect(await reasons()).toEqual([
      expect.stringMatching(/one$/),
      expect.stringMatching(/see its log/),
      expect.stringMatching(/three$/),
    ]);
  });

  it("leaves nothing behind once it is kept", async () => {
    const events = makeEvents(2);
    await fail(events);
    expect(await notes()).toHaveLength(2);
    await consume(events, "events-dlq");
    expect(await notes()).toEqual([]);
  });

  it("keeps its reason until it can be kept itself", async () => {
    const event = makeEvent();
    await fail([event]);
    const broken = vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1 is down"));
    await expect(consume([event], "events-dlq")).rejects.toThrow("D1 is down");
    broken.mockRestore();
    await consume([event], "events-dlq", 2);
    expect(await reasons()).toEqual([expect.stringMatching(/Shard is full$/)]);
  });
});

describe("the reason of a failure", () => {
  it("is the latest one", async () => {
    const event = makeEvent();
    await fail([event], { because: "one" });
    await fail([event], { because: "two", attempts: 2 });
    expect(await notes()).toEqual(["two"]);
  });

  it("is cut at 1,000 characters", async () => {
    await fail([makeEvent()], { because: "x".repeat(5000) });
    expect(await notes()).toEqual(["x".repeat(1000)]);
  });

  it("is written down also when a message that cannot be used cannot be kept", async () => {
    await fail(["{"]);
    expect(await notes()).toEqual(["Shard is full"]);
  });

  it("is not written down for a word of the gateway to itself", async () => {
    await fail([{ handover: 1 }]);
    vi.spyOn(env.LANES, "getByName").mockImplementation(() => {
      throw new Error("no lanes");
    });
    await consume([{ handover: 1 }, { handover: 2 }]);
    expect(await notes()).toEqual([]);
  });

  it("is removed when a later try succeeds, or finds that the message cannot be used", async () => {
    const event = makeEvent();
    await fail([event, "{"]);
    expect(await notes()).toHaveLength(2);
    expect(await consume([event, "{"], "events", 2)).toMatchObject({ retried: [] });
    expect(await notes()).toEqual([]);
  });

  it("is not looked for when the first try succeeds: that would cost every message a statement", async () => {
    const prepare = vi.spyOn(env.DB, "prepare");
    await consume([makeEvent()]);
    expect(prepare.mock.calls.filter(([sql]) => sql.includes("queue_failures"))).toEqual([]);
  });

  it("changes nothing for the messages when it cannot be written: they are retried, and the log says so", async () => {
    breakShards("The shard is gone.");
    const prepare = env.DB.prepare.bind(env.DB);
    vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      if (sql.includes("queue_failures")) throw new Error("D1 is down");
      return prepare(sql);
    });
    const events = makeEvents(2);
    expect(await consume(events)).toEqual({ acked: [], retried: ["message-0", "message-1"] });
    expect(logged()).toContain("failure not noted");
  });

  it("changes nothing for the messages when it cannot be removed: they are acknowledged", async () => {
    const prepare = env.DB.prepare.bind(env.DB);
    vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      if (sql.startsWith("DELETE FROM queue_failures")) throw new Error("D1 is down");
      return prepare(sql);
    });
    expect(await consume([makeEvent()], "events", 2)).toEqual({ acked: ["message-0"], retried: [] });
    expect(logged()).toContain("failure not forgotten");
  });

  it("is removed by cron after a week, and not before", async () => {
    await fail([makeEvent()]);
    passTime(7 * dayMs);
    await gateway.scheduled(createScheduledController({ scheduledTime: new Date() }), env);
    expect(await notes()).toHaveLength(1);
    passTime(1);
    await gateway.scheduled(createScheduledController({ scheduledTime: new Date() }), env);
    expect(await notes()).toEqual([]);
  });
});
