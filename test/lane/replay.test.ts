import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Answer, api, makeWebhook, notifications } from "../api";
import { passTime, restartClock, stopClock } from "../clock";
import { eventUuidsIn, makeEvents, makeListener, publish } from "../event";
import { laneOf, runAlarms } from "../lane";
import { type Received, receiver } from "../receiver";

type Progress = { queued: number; sent: number; done: boolean };
type Started = { replay: string; queued: number; message?: string };

beforeEach(stopClock);
afterEach(restartClock);

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
  it("sends archived events that a webhook's subscriptions hear, from before it existed", async () => {
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

  it("hears with wildcards, and with limits to a project", async () => {
    const { received } = receiver();
    const project = crypto.randomUUID();
    const [heard, other] = [
      { ...makeEvents(1)[0], type: "project:cron-job:failed", project: { uuid: project } },
      { ...makeEvents(1)[0], uuid: crypto.randomUUID(), type: "project:cron-job:failed" },
    ];
    await publish([heard, other]);
    passTime(1000);
    const subscriptions = [{ event_type: "project:cron-job:*", project_uuid: project }];
    const { uuid } = await makeWebhook({ subscriptions });
    const { body } = await replay(uuid, { since: early, status: "missing" });
    expect(body.queued).toBe(1);
    await whenDone(uuid, body.replay);
    expect(eventUuidsIn(received)).toEqual([heard.uuid]);
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
