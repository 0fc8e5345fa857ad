import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { wakeLanes } from "../../src/lane/wake-lanes";
import { WebhookLane } from "../../src/lane/webhook-lane";
import { readConfig } from "../../src/platform/config";
import { encryptSettings } from "../../src/platform/encryption";
import { spec } from "../api";
import { passTime, stopClock } from "../clock";
import { eventUuidsIn, makeEvent, makeEvents, makeListener, publish } from "../event";
import { alarmOf, configOf, handoverEvent, laneOf, runAlarm } from "../lane";
import { receiver } from "../receiver";
import { deliveriesTable } from "./lane-rows";
import { sequencesOf } from "./lane-traffic";

beforeEach(stopClock);

const sealedBy = (key: number, uuid: string): Promise<string> =>
  encryptSettings([new Uint8Array(32).fill(key)], uuid, { url: spec.url, secret: spec.secret });

function replaceSealed(uuid: string, sealed: string): Promise<unknown> {
  return env.DB.prepare("UPDATE webhooks SET sealed = ?, version = version + 1 WHERE uuid = ?")
    .bind(sealed, uuid)
    .run();
}

/** Runs something while the deployment has another ENCRYPTION_KEY. */
async function withKey<Result>(key: string | undefined, work: () => Promise<Result>): Promise<Result> {
  const before = env.ENCRYPTION_KEY;
  Object.assign(env, { ENCRYPTION_KEY: key });
  try {
    return await work();
  } finally {
    Object.assign(env, { ENCRYPTION_KEY: before });
  }
}

describe("an ENCRYPTION_KEY", () => {
  it.each([
    ["is missing", undefined],
    ["is malformed", "no key"],
    ["does not fit", btoa("x".repeat(32))],
  ])(
    "that %s costs no attempt: when it is right again, the delivery goes out as its first",
    async (_, key) => {
      const { received, logged } = receiver();
      const { uuid } = await makeListener();
      const config = await configOf(uuid);
      const events = makeEvents(2);
      await withKey(key, async () => {
        await laneOf(uuid).accept({ config, events: events.map((event) => handoverEvent(event)) });
        await vi.waitFor(() => expect(logged()).toContain("ENCRYPTION_KEY"));
      });
      expect(received).toEqual([]);
      expect(logged()).toContain("ENCRYPTION_KEY");
      await runAlarm(uuid);
      expect(eventUuidsIn(received)).toEqual(events.map((event) => event.uuid));
      expect(received.map(({ headers }) => headers.get("X-Orchest-Attempt"))).toEqual(["1", "1"]);
    },
  );

  it("that does not fit one webhook holds up no other", async () => {
    const { received } = receiver();
    const bad = await makeListener({ url: "https://bad.example.com/" });
    await replaceSealed(bad.uuid, await sealedBy(7, bad.uuid));
    await makeListener({ url: "https://good.example.com/" });
    await publish(makeEvent());
    await vi.waitFor(() => expect(received.map(({ url }) => url)).toEqual(["https://good.example.com/"]));
  });

  it("that does not fit is tried again after a minute, not at once", async () => {
    const { logged } = receiver();
    const { uuid } = await makeListener();
    await replaceSealed(uuid, await sealedBy(7, uuid));
    await laneOf(uuid).configure(await configOf(uuid));
    await publish(makeEvent());
    await vi.waitFor(() => expect(logged()).toContain("ENCRYPTION_KEY"));
    for (let run = 0; run < 3; run++) {
      await runAlarm(uuid);
      expect((await alarmOf(uuid)) ?? 0).toBeGreaterThanOrEqual(Date.now() + 10_000);
    }
  });
});

describe("an event that cannot be a message of the webhook's format", () => {
  it("is a dead letter at once, and what is behind it is sent", async () => {
    const { received } = receiver();
    const template = '{"text": "{{title}}"}';
    const { uuid } = await makeListener({ format: "template", template });
    const { url, secret } = spec;
    const { encryptionKeys } = readConfig(env);
    const broken = await encryptSettings(encryptionKeys, uuid, { url, secret, template: "{{#if title}}" });
    await replaceSealed(uuid, broken);
    await laneOf(uuid).configure(await configOf(uuid));
    await publish(makeEvent());
    await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.counts.dead).toBe(1));
    const delivery = await laneOf(uuid).delivery(1);
    expect(delivery).toMatchObject({ status: "dead", lastError: "format_error", attempts: 1 });
    const receiverFailures = await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) =>
      sql
        .exec(
          "SELECT record->>'$.receiver.failures' AS failures, record->>'$.failingSince' AS since FROM lane",
        )
        .one(),
    );
    expect(receiverFailures).toEqual({ failures: 0, since: null });
    await replaceSealed(uuid, await encryptSettings(encryptionKeys, uuid, { url, secret, template }));
    await laneOf(uuid).configure(await configOf(uuid));
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(sequencesOf(received)).toEqual([2]);
  });

  it("does not exist because of its depth: the deepest one is sent as a template has it", async () => {
    const { received } = receiver();
    const template = '{"event": {{json event}}, "text": "{{event.deep}}"}';
    await makeListener({ format: "template", template });
    const deep = `${'{"0":1,"a":'.repeat(3000)}1${"}".repeat(3000)}`;
    const event = JSON.stringify(makeEvent({ deep: 0 })).replace(/0\}$/, `${deep}}`);
    expect((await publish(event)).status).toBeLessThan(300);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(received[0]?.body.startsWith(`{"event": ${event},`)).toBe(true);
  });
});

describe("a database that cannot be reached", () => {
  it("stops no delivery: the lane has all that it needs", async () => {
    const { received } = receiver((_, index) => new Response(null, { status: index === 0 ? 500 : 200 }));
    const { uuid } = await makeListener();
    await publish(makeEvents(3));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1 is down");
    });
    await runAlarm(uuid);
    expect(received).toHaveLength(4);
  });

  it("is not asked again at once", async () => {
    const { received } = receiver(() => new Response(null, { status: 500 }));
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1 is down");
    });
    await runAlarm(uuid);
    expect(((await alarmOf(uuid)) ?? 0) - Date.now()).toBeGreaterThanOrEqual(1000);
  });
});

/** Has every change of a delivery's row fail, as on a disk that is full. */
function breakUpdates(uuid: string): Promise<void> {
  return runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    const table = deliveriesTable(sql);
    sql.exec(`CREATE TRIGGER broken BEFORE UPDATE ON ${table} BEGIN SELECT RAISE(ABORT, 'full'); END`);
  });
}

function mendUpdates(uuid: string): Promise<void> {
  return runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => void sql.exec("DROP TRIGGER broken"));
}

describe("a transaction that fails", () => {
  it("starts the lane again from its disk: what was under way is sent once more, and nothing is lost", async () => {
    const held = [Promise.withResolvers<Response>(), Promise.withResolvers<Response>()];
    const { received, logged } = receiver((_, index) => held[index - 1]?.promise ?? new Response());
    const { uuid } = await makeListener({ ordering: "keyed" });
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    passTime(60 * 86_400_000);
    await publish([
      makeEvent({ project: { uuid: crypto.randomUUID() } }),
      makeEvent({ project: { uuid: crypto.randomUUID() } }),
    ]);
    await vi.waitFor(() => expect(received).toHaveLength(3));
    // Forgetting the first day fails.
    await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => void sql.exec("DROP TABLE attempts"));
    const maintained = Promise.resolve(laneOf(uuid).maintain());
    await maintained.catch(() => undefined);
    expect(logged()).toContain("a transaction failed");
    for (const one of held) one.resolve(new Response());
    await runAlarm(uuid, 15_000);
    expect(sequencesOf(received)).toEqual([1, 2, 3, 2, 3]);
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { delivered: 3, failed: 0 } });
  });
});

describe("an attempt that cannot be written down", () => {
  it("is not made again before storage takes a write, and then at once, as the same delivery", async () => {
    const { received, logged } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await breakUpdates(uuid);
    await publish(makeEvent());
    await vi.waitFor(() => expect(logged()).toContain("a transaction failed"));
    const alarm = runAlarm(uuid, 15_000);
    await vi.waitFor(() => expect(logged().match(/storage takes no writes/g)?.length).toBeGreaterThan(1));
    expect(received).toHaveLength(2);
    await mendUpdates(uuid);
    await alarm;
    expect(received).toHaveLength(3);
    const deliveries = received.map(({ headers }) => headers.get("X-Orchest-Delivery"));
    expect(deliveries[2]).toBe(deliveries[1]);
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { delivered: 2 } });
  });

  it("lets nothing overtake it, also when it was its partition's turn to move on already", async () => {
    const { received, logged } = receiver();
    const { uuid } = await makeListener();
    // With the two hundredth attempt the counts are written down: behind the move of the partition, in the same transaction.
    await publish(makeEvents(100));
    await publish(makeEvents(99));
    await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.counts.delivered).toBe(199));
    expect(received).toHaveLength(199);
    await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => void sql.exec("DROP TABLE buckets"));
    await publish(makeEvents(3));
    await vi.waitFor(() => expect(logged()).toContain("a transaction failed"));
    expect(sequencesOf(received.slice(199))).toEqual([200]);
    await runAlarm(uuid, 15_000);
    expect(sequencesOf(received.slice(199))).toEqual([200, 200, 201, 202]);
    expect(await laneOf(uuid).stats()).toMatchObject({
      backlog: 0,
      counts: { pending: 0, delivered: 202, failed: 0, dead: 0 },
    });
  });
});

/** Has results not be recorded any more, and large writes fail, while small ones still fit: as on a disk that is nearly full. */
function fillDisk(uuid: string): Promise<void> {
  return runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    const table = deliveriesTable(sql);
    sql.exec("CREATE TABLE IF NOT EXISTS large_write (id INTEGER PRIMARY KEY, filler BLOB NOT NULL)");
    sql.exec(`CREATE TRIGGER full BEFORE UPDATE ON ${table} WHEN new.attempts > old.attempts
      BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
    sql.exec(`CREATE TRIGGER full_large BEFORE INSERT ON large_write
      BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
  });
}

function freeDisk(uuid: string): Promise<void> {
  return runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    sql.exec("DROP TRIGGER full");
    sql.exec("DROP TRIGGER full_large");
  });
}

describe("on a disk that is full", () => {
  it.each([1, 5])(
    "a delivery that is answered 200 is sent once, however often the lane is woken, and goes on when there is room: %d at once",
    async (count) => {
      const { received, logged } = receiver();
      const { uuid } = await makeListener({ ordering: count === 1 ? "strict" : "none" });
      await publish(makeEvent());
      await vi.waitFor(() => expect(received).toHaveLength(1));
      await fillDisk(uuid);
      await publish(makeEvents(count));
      await vi.waitFor(() => expect(logged()).toContain("a transaction failed"));
      // Small writes still fit: events are taken in, and wake the lane.
      for (let n = 0; n < 3; n++) {
        await publish(makeEvent());
        passTime(60_000);
      }
      await vi.waitFor(() => expect(logged()).toContain("storage takes no writes"));
      const sequences = sequencesOf(received);
      expect(sequences).toEqual([...new Set(sequences)]);
      expect(sequences.length).toBeLessThanOrEqual(1 + count);
      await freeDisk(uuid);
      await runAlarm(uuid, 2000);
      await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.backlog).toBe(0));
      const repeated = received.length - new Set(sequencesOf(received)).size;
      // What was answered and could not be recorded is sent once more: that is all.
      expect(repeated).toBeGreaterThanOrEqual(1);
      expect(repeated).toBeLessThanOrEqual(count);
    },
  );
});

describe("a lane that ended with a write that failed", () => {
  it("is opened again by cron, and sends at once: also when it could not be opened the first time", async () => {
    const { received, logged, uuid } = await failedLane();
    await runInDurableObject(laneOf(uuid), (_, { storage }) => storage.deleteAlarm());
    // What was written a moment ago may be under way to the disk.
    const waking = vi.spyOn(WebhookLane.prototype, "wake").mockRejectedValueOnce(new Error("disk is full"));
    await wakeLanes(env, 0);
    expect(waking).not.toHaveBeenCalled();
    passTime(10_000);
    await wakeLanes(env, 0);
    expect(logged()).toContain("lane cannot be opened");
    await wakeLanes(env, 0);
    await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.backlog).toBe(0));
    expect(sequencesOf(received).slice(0, 3)).toEqual([1, 2, 2]);
    // And then it is left alone.
    passTime(10_000);
    waking.mockClear();
    await wakeLanes(env, 0);
    expect(waking).not.toHaveBeenCalled();
  });

  it("is not looked at again once its webhook was deleted", async () => {
    const { uuid } = await failedLane();
    await laneOf(uuid).close();
    const waking = vi.spyOn(WebhookLane.prototype, "wake");
    passTime(10_000);
    await wakeLanes(env, 0);
    expect(waking).toHaveBeenCalledTimes(1);
    await wakeLanes(env, 0);
    expect(waking).toHaveBeenCalledTimes(1);
  });
});

/** A lane that has delivered one event, and whose write failed at the second one. */
async function failedLane() {
  const { received, logged } = receiver();
  const { uuid } = await makeListener();
  await publish(makeEvent());
  await vi.waitFor(() => expect(received).toHaveLength(1));
  await breakUpdates(uuid);
  await publish(makeEvent());
  await vi.waitFor(() => expect(logged()).toContain("a transaction failed"));
  await mendUpdates(uuid);
  return { received, logged, uuid };
}
