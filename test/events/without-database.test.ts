import { createScheduledController, evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { shardStub } from "../../src/events/shard/shard-of";
import gateway from "../../src/index";
import { makeWebhook } from "../api";
import {
  announcedTo,
  eventUuidsIn,
  makeEvent,
  makeEvents,
  makeListener,
  publish,
  routingSettled,
  waitingEvents,
} from "../event";
import { interceptAccept } from "../lane";
import { receiver } from "../receiver";

const shards = Array.from({ length: Number(env.EVENT_SHARDS) }, (_, shard) => shard);

/** D1's methods, wherever it is called from. */
const database = Object.getPrototypeOf(env.DB) as Pick<D1Database, "prepare" | "batch">;

afterEach(() => vi.restoreAllMocks());

/** Counts D1's queries from now on. */
function countQueries(): () => number {
  const spies = [vi.spyOn(database, "prepare"), vi.spyOn(database, "batch")];
  return () => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
}

function fail(): never {
  throw new Error("D1 is gone");
}

function breakDatabase(): void {
  vi.spyOn(database, "prepare").mockImplementation(fail);
  vi.spyOn(database, "batch").mockImplementation(fail);
}

/** Lets every shard learn all there is, and whatever goes on behind an answer end. Nothing was published before. */
async function settle(count: () => number, received: readonly unknown[]): Promise<void> {
  await routingSettled();
  let [published, before] = [0, 0];
  do {
    before = count();
    await publish(makeEvents(100));
    published += 100;
    await vi.waitFor(() => expect(received).toHaveLength(published));
  } while (count() > before);
}

describe("in the steady state", () => {
  it("a publish makes no query of D1, single or batch, matched or not", async () => {
    const { received } = receiver();
    await makeListener();
    await makeListener({ subscriptions: [{ event_type: "project:deleted" }] });
    const count = countQueries();
    await settle(count, received);
    const [before, arrived] = [count(), received.length];
    for (const event of makeEvents(10)) expect((await publish(event)).status).toBe(202);
    expect((await publish(makeEvents(100))).status).toBe(202);
    expect((await publish(makeEvent({ type: "project:updated" }))).status).toBe(202);
    await vi.waitFor(() => expect(received).toHaveLength(arrived + 110));
    expect(count() - before).toBe(0);
    // And the count sees them where there are some.
    await makeWebhook();
    expect(count()).toBeGreaterThan(before);
  });

  it("a publish makes no query of D1 either once the events that waited for a lane are handed over", async () => {
    receiver();
    await makeListener();
    vi.spyOn(env.EVENTS, "sendBatch").mockRejectedValue(new Error("no queue in this test"));
    interceptAccept((call, _, passOn) => (call <= 2 ? Promise.reject(new Error("lane broke")) : passOn()));
    expect((await publish(makeEvent())).body.accepted[0]?.deliveries).toBe(1);
    expect(await waitingEvents()).toHaveLength(1);
    await gateway.scheduled(createScheduledController(), env);
    expect(await waitingEvents()).toEqual([]);
    const count = countQueries();
    // A batch of 100 reaches every shard.
    expect((await publish(makeEvents(100))).status).toBe(202);
    expect(count()).toBe(0);
  });
});

describe("while D1 is gone", () => {
  it("publishing goes on, also through shards that have just restarted", async () => {
    const { received } = receiver();
    await makeListener();
    const count = countQueries();
    await settle(count, received);
    vi.restoreAllMocks();
    const { received: later } = receiver();
    for (const shard of shards) await evictDurableObject(shardStub(env, shard));
    breakDatabase();
    const events = makeEvents(20);
    for (const event of events) {
      expect((await publish(event)).body.accepted).toEqual([
        { uuid: event.uuid, duplicate: false, deliveries: 1 },
      ]);
    }
    await vi.waitFor(() => expect(later).toHaveLength(20));
    expect(eventUuidsIn(later)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("a publish whose shard is gone as well is a 503 that says when to repeat it", async () => {
    receiver();
    vi.spyOn(env.SHARDS, "getByName").mockImplementation(() => {
      throw new Error("The shard is gone.");
    });
    const { status, headers, body } = await publish(makeEvent());
    expect([status, headers.get("Retry-After")]).toEqual([503, "1"]);
    expect(body.message).toContain("Publish again");
  });
});

describe("while D1 takes no writes", () => {
  it("a lane that is dead costs its own webhook a 503, and no other publish anything", async () => {
    const { received } = receiver();
    await makeListener();
    const dead = await makeListener({ subscriptions: [{ event_type: "project:deleted" }] });
    await settle(countQueries(), received);
    vi.restoreAllMocks();
    const { received: later } = receiver();
    interceptAccept((_, { config }, passOn) =>
      config.webhook.uuid === dead.uuid ? Promise.reject(new Error("lane broke")) : passOn(),
    );
    const announcedWhileRefused: unknown[] = [];
    const events: ReturnType<typeof makeEvent>[] = [];
    const { prepare } = database;
    vi.spyOn(database, "prepare").mockImplementation(function (this: D1Database, query) {
      if (!/^\s*SELECT/i.test(query)) throw new Error("D1_ERROR: database is locked");
      return prepare.call(this, query);
    });
    const answers = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const { status, headers } = await publish(makeEvent({ type: "project:deleted" }));
        for (const shard of shards) announcedWhileRefused.push(...(await announcedTo(shard)));
        const event = makeEvent();
        events.push(event);
        return [status, headers.get("Retry-After"), (await publish(event)).status];
      }),
    );
    expect(answers).toEqual(answers.map(() => [503, "1", 202]));
    expect(announcedWhileRefused).toEqual([]);
    await vi.waitFor(() => expect(later).toHaveLength(5));
  });
});
