import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { readMatchingEvents } from "../../src/events/missing-events";
import type { MatchingRange } from "../../src/events/shard/archive-pages";
import type { WebhookLane } from "../../src/lane/webhook-lane";
import { type Answer, api, makeWebhook, notifications } from "../api";
import { passTime, stopClock } from "../clock";
import { eventUuidsIn, makeEvents, makeListener, publish } from "../event";
import { configOf, laneOf, runAlarms } from "../lane";
import { type Received, receiver } from "../receiver";

type Progress = { queued: number; sent: number; done: boolean; stopped?: true };
type Listed = {
  replays: (Progress & { replay: string; kind: string; since: string | null; started_at: string | null })[];
  next_cursor: string | null;
};
type Started = { replay: string; queued: number; message?: string };

beforeEach(stopClock);

function replay(uuid: string, body: Record<string, unknown>): Promise<Answer<Started>> {
  return api("POST", `${notifications}/subscribers/${uuid}/replay`, body);
}

async function progressOf(uuid: string, id: string): Promise<Progress> {
  return (await api<Progress>("GET", `${notifications}/subscribers/${uuid}/replays/${id}`)).body;
}

async function whenDone(uuid: string, id: string): Promise<Progress> {
  return vi.waitFor(async () => {
    const progress = await progressOf(uuid, id);
    expect(progress.done).toBe(true);
    return progress;
  });
}

function sequences(received: Received[]): number[] {
  return received.map(({ headers }) => Number(headers.get("X-Orchest-Sequence")));
}

/** @returns how to read how many events the shards have given with their texts. */
function countTextsRead(): () => number {
  let texts = 0;
  const getByName = env.SHARDS.getByName.bind(env.SHARDS);
  vi.spyOn(env.SHARDS, "getByName").mockImplementation((name) => {
    const stub = getByName(name);
    const readMatching = async (webhookId: number, range: MatchingRange) => {
      const page = await stub.readMatching(webhookId, range);
      texts += page?.items.length ?? 0;
      return page;
    };
    return new Proxy(stub, {
      get: (target, key) => (key === "readMatching" ? readMatching : Reflect.get(target, key)),
    });
  });
  return () => texts;
}

const early = new Date(0).toISOString();

describe("a replay of dead letters", () => {
  it("sends them again in their order, with the same uuid and sequence, and they are delivered", async () => {
    let isUp = false;
    const { received } = receiver(() => new Response(null, { status: isUp ? 200 : 500 }));
    const { uuid } = await makeListener({ retry: { max_attempts: 1 } });
    await publish(makeEvents(5));
    await runAlarms(uuid, () => received.length === 5);
    isUp = true;
    const first = received.slice();
    const { status, body } = await replay(uuid, { since: early, status: "dead" });
    expect(status).toBe(202);
    expect(body.queued).toBe(5);
    expect(await whenDone(uuid, body.replay)).toEqual({ queued: 5, sent: 5, done: true });
    const again = received.slice(5);
    expect(sequences(again)).toEqual([1, 2, 3, 4, 5]);
    expect(again.map(({ headers }) => headers.get("X-Orchest-Delivery"))).toEqual(
      first.map(({ headers }) => headers.get("X-Orchest-Delivery")),
    );
    expect(again.map(({ headers }) => headers.get("X-Orchest-Attempt"))).toEqual(["2", "2", "2", "2", "2"]);
    expect(new Set(again.map(({ headers }) => headers.get("X-Orchest-Replay")))).toEqual(
      new Set([body.replay]),
    );
    expect((await laneOf(uuid).stats())?.counts).toEqual({ pending: 0, delivered: 5, failed: 0, dead: 0 });
  });

  it("leaves delivered ones alone", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(3));
    await vi.waitFor(() => expect(received).toHaveLength(3));
    const { body } = await replay(uuid, { since: early, status: "dead" });
    expect(body.queued).toBe(0);
    await whenDone(uuid, body.replay);
    expect(received).toHaveLength(3);
  });
});

describe("a replay of all", () => {
  it("takes what was accepted since a time and before another", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(2));
    passTime(1000);
    const since = new Date().toISOString();
    await publish(makeEvents(2));
    passTime(1000);
    const until = new Date().toISOString();
    await publish(makeEvents(2));
    await vi.waitFor(() => expect(received).toHaveLength(6));
    const { body } = await replay(uuid, { since, until, status: "all" });
    expect(body.queued).toBe(2);
    await whenDone(uuid, body.replay);
    expect(sequences(received.slice(6))).toEqual([3, 4]);
  });

  it("leaves out what is pending", async () => {
    receiver(() => new Response(null, { status: 500 }));
    const { uuid } = await makeListener();
    await publish(makeEvents(3));
    const { body } = await replay(uuid, {
      since: early,
      until: new Date(Date.now() + 1).toISOString(),
      status: "all",
    });
    expect(body.queued).toBe(0);
  });

  it("lets live deliveries through, one in ten at least being its own", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(20));
    await vi.waitFor(() => expect(received).toHaveLength(20));
    passTime(1000);
    await laneOf(uuid).pause();
    await publish(makeEvents(40));
    await replay(uuid, { since: early, until: new Date().toISOString(), status: "all" });
    await laneOf(uuid).resume();
    await vi.waitFor(() => expect(received).toHaveLength(80));
    const isReplayed = received.slice(20).map(({ headers }) => headers.has("X-Orchest-Replay"));
    expect(isReplayed.slice(0, 40).filter(Boolean)).toHaveLength(4);
    expect(sequences(received.slice(20).filter(({ headers }) => !headers.has("X-Orchest-Replay")))).toEqual(
      Array.from({ length: 40 }, (_, index) => 21 + index),
    );
  });

  it("goes on after an eviction, without a gap", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(30));
    await vi.waitFor(() => expect(received).toHaveLength(30));
    passTime(1000);
    await laneOf(uuid).pause();
    const { body } = await replay(uuid, { since: early, status: "all" });
    await evictDurableObject(laneOf(uuid));
    await laneOf(uuid).resume();
    expect(await whenDone(uuid, body.replay)).toEqual({ queued: 30, sent: 30, done: true });
    expect(sequences(received.slice(30))).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  it("has its attempts in the statistics once it is done, also after an eviction", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(3));
    await vi.waitFor(() => expect(received).toHaveLength(3));
    passTime(1000);
    const { body } = await replay(uuid, { since: early, status: "all" });
    await whenDone(uuid, body.replay);
    await evictDurableObject(laneOf(uuid));
    expect((await laneOf(uuid).stats())?.lastHour.attempts).toBe(6);
  });

  it("waits at a delivery that fails, tries it again and gives it up in the end", async () => {
    let isUp = true;
    const { received } = receiver(() => new Response(null, { status: isUp ? 200 : 500 }));
    const { uuid } = await makeListener({ retry: { max_attempts: 2 } });
    await publish(makeEvents(2));
    await vi.waitFor(() => expect(received).toHaveLength(2));
    passTime(1000);
    isUp = false;
    const { body } = await replay(uuid, { since: early, status: "all" });
    await runAlarms(uuid, () => received.length === 6);
    expect(sequences(received.slice(2))).toEqual([1, 1, 2, 2]);
    expect((await progressOf(uuid, body.replay)).sent).toBe(2);
    // They were delivered once, and stay so.
    expect((await laneOf(uuid).stats())?.counts.dead).toBe(0);
  });
});

describe("a replay of what is missing", () => {
  it("sends archived events that match a webhook's subscriptions, from before it existed", async () => {
    const { received } = receiver();
    const events = makeEvents(3);
    await publish(events);
    passTime(1000);
    const { uuid } = await makeListener();
    const later = makeEvents(1);
    await publish(later);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    passTime(1000);
    const { body } = await replay(uuid, { since: early, status: "missing" });
    expect(body.queued).toBe(3);
    await whenDone(uuid, body.replay);
    expect(eventUuidsIn(received.slice(1))).toEqual(events.map((event) => event.uuid));
    expect(sequences(received)).toEqual([1, 2, 3, 4]);
    expect((await laneOf(uuid).stats())?.counts).toEqual({ pending: 0, delivered: 4, failed: 0, dead: 0 });
  });

  it("reads no more texts at once than make a page, and skips no event", async () => {
    receiver();
    for (let requests = 0; requests < 3; requests += 1) await publish(makeEvents(100));
    passTime(1000);
    const { uuid } = await makeListener();
    const texts = countTextsRead();
    const range = { since: 0, until: Date.now(), limit: 100 };
    const read: string[] = [];
    for (let after: string | null = "0"; after !== null;) {
      const before = texts();
      const page = await readMatchingEvents(env, uuid, { ...range, after });
      expect(texts() - before).toBeLessThanOrEqual(range.limit + Number(env.EVENT_SHARDS));
      read.push(...page.events.map(({ body }) => String((JSON.parse(body) as { place: number }).place)));
      after = page.next;
    }
    const places = Array.from({ length: 100 }, (_, place) => String(place));
    expect(read.toSorted()).toEqual([...places, ...places, ...places].toSorted());
  });

  it("sends nothing twice when it is asked for twice", async () => {
    const { received } = receiver();
    await publish(makeEvents(2));
    passTime(1000);
    const { uuid } = await makeListener();
    const first = await replay(uuid, { since: early, status: "missing" });
    await whenDone(uuid, first.body.replay);
    const second = await replay(uuid, { since: early, status: "missing" });
    expect(second.body.queued).toBe(0);
    await whenDone(uuid, second.body.replay);
    expect(received).toHaveLength(2);
  });

  it("matches with wildcards, and with limits to a project", async () => {
    const { received } = receiver();
    const project = crypto.randomUUID();
    const [matching, other] = [
      { ...makeEvents(1)[0], type: "project:cron-job:failed", project: { uuid: project } },
      { ...makeEvents(1)[0], uuid: crypto.randomUUID(), type: "project:cron-job:failed" },
    ];
    await publish([matching, other]);
    passTime(1000);
    const subscriptions = [{ event_type: "project:cron-job:*", project_uuid: project }];
    const { uuid } = await makeWebhook({ subscriptions });
    const { body } = await replay(uuid, { since: early, status: "missing" });
    expect(body.queued).toBe(1);
    await whenDone(uuid, body.replay);
    expect(eventUuidsIn(received)).toEqual([matching.uuid]);
  });

  it("before the archive's reach is a 400 that names the earliest", async () => {
    receiver();
    const { uuid } = await makeListener();
    await env.DB.prepare("INSERT INTO archive_size VALUES (1, 5, 0, ?)")
      .bind(Date.UTC(2030, 0, 1))
      .run();
    const { status, body } = await replay(uuid, { since: early, status: "missing" });
    expect(status).toBe(400);
    expect(body.message).toContain("2030-01-01T00:00:00.000Z");
  });
});

describe("a request for a replay", () => {
  it.each([
    [{ status: "all" }, /since/],
    [{ since: "yesterday", status: "all" }, /since/],
    [{ since: early, status: "some" }, /status.*dead, all or missing/],
    [{ since: early, status: "all", limit: 3 }, /unknown limit/],
  ])("that is wrong is a 400: %j", async (request, message) => {
    const { uuid } = await makeListener();
    const { status, body } = await replay(uuid, request);
    expect(status).toBe(400);
    expect(body.message).toMatch(message);
  });

  it("of an unknown webhook is a 404", async () => {
    expect((await replay(crypto.randomUUID(), { since: early, status: "all" })).status).toBe(404);
  });
});

describe("a replay whose uuid was chosen by who asked for it", () => {
  it("is there once however often it is asked for, as it was begun, also after the lane was gone", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(2));
    await vi.waitFor(() => expect(received).toHaveLength(2));
    const id = crypto.randomUUID();
    const request = { kind: "all", since: 0, until: Date.now() + 1, id } as const;
    const started = { outcome: "started", id, queued: 2 };
    expect(await laneOf(uuid).replay(request)).toEqual({ ...started, isNew: true });
    await whenDone(uuid, id);
    await publish(makeEvents(1));
    await vi.waitFor(() => expect(received).toHaveLength(5));
    await evictDurableObject(laneOf(uuid));
    expect(await laneOf(uuid).replay(request)).toEqual({ ...started, isNew: false });
    expect(await laneOf(uuid).replay({ ...request, kind: "missing" })).toEqual({ ...started, isNew: false });
    expect(sequences(received)).toEqual([1, 2, 1, 2, 3]);
  });

  it("is known by it, in what is sent, too", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(1));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    const id = crypto.randomUUID();
    await laneOf(uuid).replay({ kind: "all", since: 0, until: Date.now() + 1, id });
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(received[1]?.headers.get("X-Orchest-Replay")).toBe(id);
  });
});

function list(uuid: string, query = ""): Promise<Answer<Listed & { message?: string }>> {
  return api("GET", `${notifications}/subscribers/${uuid}/replays${query}`);
}

function stop(uuid: string, id: string): Promise<Answer<Progress & { message?: string }>> {
  return api("DELETE", `${notifications}/subscribers/${uuid}/replays/${id}`);
}

describe("the list of replays", () => {
  it("has running and past ones, newest first and in pages, and no single deliveries", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(2));
    await vi.waitFor(() => expect(received).toHaveLength(2));
    passTime(1000);
    const until = new Date().toISOString();
    const first = await replay(uuid, { since: early, until, status: "all" });
    await whenDone(uuid, first.body.replay);
    await laneOf(uuid).redeliver(1);
    await vi.waitFor(() => expect(received).toHaveLength(5));
    passTime(1000);
    await laneOf(uuid).pause();
    const second = await replay(uuid, { since: early, status: "dead" });
    const third = await replay(uuid, { since: until, status: "all" });
    const { body } = await list(uuid, "?limit=2");
    expect(body.replays).toEqual([
      {
        replay: third.body.replay,
        kind: "all",
        since: until,
        until: new Date().toISOString(),
        started_at: new Date().toISOString(),
        queued: 0,
        sent: 0,
        done: false,
        stopped: false,
      },
      expect.objectContaining({ replay: second.body.replay, kind: "dead", done: false }),
    ]);
    expect((await list(uuid, `?limit=2&cursor=${body.next_cursor}`)).body).toEqual({
      replays: [
        expect.objectContaining({ replay: first.body.replay, kind: "all", queued: 2, sent: 2, done: true }),
      ],
      next_cursor: null,
    });
  });

  it("is empty where nothing was replayed, a 404 for an unknown webhook, and a 400 for a wrong query", async () => {
    const { uuid } = await makeListener();
    expect((await list(uuid)).body).toEqual({ replays: [], next_cursor: null });
    expect((await list(crypto.randomUUID())).status).toBe(404);
    expect((await list(uuid, "?limit=0")).body.message).toMatch(/^limit: /);
  });

  it("has dead letters that were selected, without times", async () => {
    receiver(() => new Response(null, { status: 500 }));
    const { uuid } = await makeListener({ retry: { max_attempts: 1 } });
    await publish(makeEvents(2));
    await runAlarms(uuid);
    await laneOf(uuid).replayDead([1]);
    await laneOf(uuid).replayDead();
    expect((await list(uuid)).body.replays).toMatchObject([
      { kind: "dead", since: null, until: null, queued: 2 },
      { kind: "picked", since: null, until: null, queued: 1 },
    ]);
  });

  it("keeps past ones for 30 days", async () => {
    receiver();
    const { uuid } = await makeListener();
    const { body } = await replay(uuid, { since: early, status: "all" });
    await whenDone(uuid, body.replay);
    passTime(30 * 86_400_000);
    await replay(uuid, { since: early, status: "all" });
    expect((await list(uuid)).body.replays).toHaveLength(2);
    passTime(1);
    await replay(uuid, { since: early, status: "all" });
    expect((await list(uuid)).body.replays).toHaveLength(2);
  });
});

/** A receiver that answers so many requests at once, and then holds them until it is told what to answer. */
function holdingReceiver(answered: number): {
  received: Received[];
  open: (status: number) => void;
  restart: (status: number) => void;
} {
  const gate = Promise.withResolvers<number>();
  let always: number | undefined;
  const { received } = receiver(async (_, index) => {
    const status = always ?? (index < answered ? 200 : await gate.promise);
    return new Response(null, { status });
  });
  return { received, open: gate.resolve, restart: (status) => (always = status) };
}

describe("a replay that is stopped", () => {
  it.each([
    [200, 5],
    [500, 5],
  ])(
    "sends nothing more, records what is under way (%i), and says that it was stopped",
    async (status, events) => {
      const { received, open } = holdingReceiver(events + 1);
      const { uuid } = await makeListener();
      await publish(makeEvents(events));
      await vi.waitFor(() => expect(received).toHaveLength(events));
      passTime(1000);
      const { body } = await replay(uuid, { since: early, status: "all" });
      await vi.waitFor(() => expect(received).toHaveLength(events + 2));
      expect((await stop(uuid, body.replay.toUpperCase())).body).toEqual({
        queued: events,
        sent: 1,
        done: true,
        stopped: true,
      });
      open(status);
      await vi.waitFor(async () => expect((await progressOf(uuid, body.replay)).sent).toBe(2));
      await runAlarms(uuid);
      expect(received).toHaveLength(events + 2);
      const stopped = { queued: events, sent: 2, done: true, stopped: true };
      expect(await progressOf(uuid, body.replay)).toEqual(stopped);
      expect((await stop(uuid, body.replay)).body).toEqual(stopped);
      expect((await list(uuid)).body.replays).toMatchObject([stopped]);
      expect((await laneOf(uuid).delivery(2))?.history).toMatchObject([{ status: 200 }, { status }]);
      await evictDurableObject(laneOf(uuid));
      expect(await laneOf(uuid).stats()).toMatchObject({
        backlog: 0,
        counts: { delivered: 5, failed: 0 },
        lastDay: { attempts: events + 2 },
      });
    },
  );

  it("lets the next one go on", async () => {
    const { received, open } = holdingReceiver(3);
    const { uuid } = await makeListener();
    await publish(makeEvents(3));
    await vi.waitFor(() => expect(received).toHaveLength(3));
    passTime(1000);
    const first = await replay(uuid, { since: early, status: "all" });
    const second = await replay(uuid, { since: early, status: "all" });
    await vi.waitFor(() => expect(received).toHaveLength(4));
    await stop(uuid, first.body.replay);
    open(200);
    await whenDone(uuid, second.body.replay);
    expect(sequences(received)).toEqual([1, 2, 3, 1, 1, 2, 3]);
  });

  it("was not there, or is done: a 404, and nothing changes", async () => {
    receiver();
    const { uuid } = await makeListener();
    expect((await stop(uuid, crypto.randomUUID())).status).toBe(404);
    expect((await stop(crypto.randomUUID(), crypto.randomUUID())).status).toBe(404);
    const { body } = await replay(uuid, { since: early, status: "all" });
    await whenDone(uuid, body.replay);
    expect((await stop(uuid, body.replay)).body).toEqual({ queued: 0, sent: 0, done: true });
  });

  it.each([200, 500])(
    "takes back what it had fetched from the archive: another one finds it missing, and sends it once (%i)",
    async (status) => {
      const { received, open, restart } = holdingReceiver(1);
      const events = makeEvents(5);
      await publish(events);
      passTime(1000);
      const { uuid } = await makeListener();
      const first = await replay(uuid, { since: early, status: "missing" });
      await vi.waitFor(() => expect(received).toHaveLength(2));
      await stop(uuid, first.body.replay);
      open(status);
      await vi.waitFor(async () => expect((await progressOf(uuid, first.body.replay)).sent).toBe(2));
      await runAlarms(uuid);
      const counts = {
        pending: 0,
        failed: 0,
        delivered: status === 200 ? 2 : 1,
        dead: status === 200 ? 0 : 1,
      };
      expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts });
      await evictDurableObject(laneOf(uuid));
      expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts });
      restart(200);
      const second = await replay(uuid, { since: early, status: "missing" });
      expect(second.body.queued).toBe(3);
      await whenDone(uuid, second.body.replay);
      expect(eventUuidsIn(received)).toEqual(events.map((event) => event.uuid));
      expect(sequences(received)).toEqual([1, 2, 6, 7, 8]);
      expect(await laneOf(uuid).stats()).toMatchObject({
        backlog: 0,
        counts: { ...counts, delivered: counts.delivered + 3 },
      });
      await laneOf(uuid).maintain();
      expect(await laneOf(uuid).stats()).toMatchObject({
        backlog: 0,
        counts: { ...counts, delivered: counts.delivered + 3 },
      });
    },
  );

  it("gives up what it had tried, and waits for no retry", async () => {
    const { received } = receiver(() => new Response(null, { status: 500 }));
    await publish(makeEvents(2));
    passTime(1000);
    const { uuid } = await makeListener();
    const { body } = await replay(uuid, { since: early, status: "missing" });
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await runAlarms(uuid, () => received.length === 2);
    await stop(uuid, body.replay);
    await runAlarms(uuid);
    expect(received).toHaveLength(2);
    expect(await laneOf(uuid).stats()).toMatchObject({
      backlog: 0,
      nextAttemptAt: null,
      counts: { pending: 0, failed: 0, delivered: 0, dead: 1 },
    });
  });

  it("while it reads the archive accepts nothing more", async () => {
    const { received } = receiver();
    await publish(makeEvents(3));
    passTime(1000);
    const { uuid } = await makeListener();
    await laneOf(uuid).configure(await configOf(uuid));
    await laneOf(uuid).pause();
    const { body } = await replay(uuid, { since: early, status: "missing" });
    const prepare = env.DB.prepare.bind(env.DB);
    const instance = await runInDurableObject(laneOf(uuid), (lane: WebhookLane) => lane);
    let reads = 0;
    vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
      // It asks which of the events that it read still wait.
      if (query.includes("CROSS JOIN waiting_events")) {
        reads += 1;
        void instance.stopReplay(body.replay);
      }
      return prepare(query);
    });
    await laneOf(uuid).resume();
    await whenDone(uuid, body.replay);
    await runAlarms(uuid);
    expect(reads).toBe(1);
    expect(received).toEqual([]);
    expect((await laneOf(uuid).stats())?.backlog).toBe(0);
  });
});
