import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, notifications } from "../../api";
import { stopClock } from "../../clock";
import { change, deliveriesOf, deliveryAt, getDelivery } from "../../deliveries";
import { makeEvent, makeEvents, makeListener, publish } from "../../event";
import { laneOf, runAlarm, runAlarms } from "../../lane";
import { type Answering, receiver, type Received } from "../../receiver";

const failed = (): Response => new Response(null, { status: 500 });
const sequencesOf = (received: Received[]): number[] =>
  received.map(({ headers }) => Number(headers.get("X-Orchest-Sequence")));

beforeEach(stopClock);

/** A webhook with so many deliveries, the first of which has failed and waits for its retry. */
async function makeStuck(count: number, answer: Answering, changes: Record<string, unknown> = {}) {
  const { received } = receiver((request, index) => (index === 0 ? failed() : answer(request, index)));
  const { uuid } = await makeListener(changes);
  await publish(makeEvents(count));
  await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).status).toBe("failed"));
  return { uuid, received };
}

/** As D1 knows it. */
async function webhooksWithDead(): Promise<number> {
  return (await api<{ webhooks: unknown[] }>("GET", "/api/dead")).body.webhooks.length;
}

describe("redelivering the head of the line, which waits for its retry,", () => {
  it("tries it now, and what is behind it follows", async () => {
    const { uuid, received } = await makeStuck(3, () => new Response());
    const { status, body } = await change("redeliver", uuid, 1);
    expect(status).toBe(202);
    expect(body).toEqual({ message: `Delivery ${(await deliveryAt(uuid, 1)).uuid} is being resent.` });
    await vi.waitFor(() => expect(sequencesOf(received)).toEqual([1, 1, 2, 3]));
    expect(received[1]?.headers.get("X-Orchest-Attempt")).toBe("2");
  });

  it("counts on when it fails again, and backs off as before", async () => {
    const { uuid, received } = await makeStuck(2, failed);
    await change("redeliver", uuid, 1);
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).attempts_made).toBe(2));
    const { next_attempt_at } = await deliveryAt(uuid, 1);
    expect(Date.parse(next_attempt_at ?? "") - Date.now()).toBeGreaterThan(3000);
    expect(received).toHaveLength(2);
  });

  it("works also right after the lane was evicted", async () => {
    const { uuid, received } = await makeStuck(2, () => new Response());
    await evictDurableObject(laneOf(uuid));
    expect((await change("redeliver", uuid, 1)).status).toBe(202);
    await vi.waitFor(() => expect(sequencesOf(received)).toEqual([1, 1, 2]));
  });

  it("is refused for what stands behind it", async () => {
    const { uuid, received } = await makeStuck(2, () => new Response());
    const { status, body } = await change("redeliver", uuid, 2);
    expect(status).toBe(409);
    expect(body.message).toMatch(/^Delivery .* is blocked by an earlier one: redeliver or skip that one/);
    expect(received).toHaveLength(1);
  });

  it("is possible for every head in keyed order", async () => {
    const types = ["project:created", "project:deleted"];
    const { received } = receiver((_, index) => (index < 2 ? failed() : new Response()));
    const subscriptions = types.map((event_type) => ({ event_type }));
    const { uuid } = await makeListener({ ordering: "keyed", subscriptions });
    await publish(types.map((type) => makeEvent({ type })));
    await vi.waitFor(async () => expect(await deliveriesOf(uuid, "?status=failed")).toHaveLength(2));
    expect((await change("redeliver", uuid, 2)).status).toBe(202);
    await vi.waitFor(() => expect(sequencesOf(received).slice(2)).toEqual([2]));
    expect((await deliveryAt(uuid, 1)).status).toBe("failed");
  });

  it.each(["pause", "disable"])("is refused while nothing is sent (%s)", async (how) => {
    const { uuid, received } = await makeStuck(1, () => new Response(null, { status: 410 }));
    if (how === "pause") await api("POST", `${notifications}/subscribers/${uuid}/pause`);
    else await runAlarm(uuid);
    const before = received.length;
    const { status, body } = await change("redeliver", uuid, 1);
    expect(status).toBe(409);
    expect(body).toEqual({
      message: "The webhook is paused or disabled: resume it first.",
    });
    expect(received).toHaveLength(before);
  });
});

describe("redelivering a finished delivery", () => {
  it("sends a delivered one again, under its uuid and sequence, and counts on", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(2));
    await vi.waitFor(() => expect(received).toHaveLength(2));
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 2)).status).toBe("delivered"));
    expect((await change("redeliver", uuid, 1)).status).toBe(202);
    await vi.waitFor(() => expect(sequencesOf(received)).toEqual([1, 2, 1]));
    const names = ["X-Orchest-Delivery", "X-Orchest-Event"];
    for (const name of names) expect(received[2]?.headers.get(name)).toBe(received[0]?.headers.get(name));
    expect(received[2]?.headers.get("X-Orchest-Attempt")).toBe("2");
    expect(received[2]?.body).toBe(received[0]?.body);
    await vi.waitFor(async () =>
      expect(await deliveryAt(uuid, 1)).toMatchObject({ status: "delivered", attempts_made: 2 }),
    );
  });

  it("keeps it delivered when that fails, and tries again later", async () => {
    const { received } = receiver((_, index) => (index === 1 ? failed() : new Response()));
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).status).toBe("delivered"));
    await change("redeliver", uuid, 1);
    await vi.waitFor(async () =>
      expect(await deliveryAt(uuid, 1)).toMatchObject({ status: "delivered", last_error: "http_5xx" }),
    );
    await runAlarms(uuid);
    expect(received).toHaveLength(3);
    const { body } = await getDelivery(uuid, (await deliveryAt(uuid, 1)).uuid);
    expect(body.attempts.map(({ status }) => status)).toEqual([200, 500, 200]);
  });

  it("brings a dead letter back, and it is none any more", async () => {
    const { uuid } = await makeStuck(1, () => new Response());
    await change("skip", uuid, 1);
    await runAlarms(uuid);
    expect(await webhooksWithDead()).toBe(1);
    expect((await change("redeliver", uuid, 1)).status).toBe(202);
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).status).toBe("delivered"));
    await runAlarms(uuid);
    expect(await webhooksWithDead()).toBe(0);
  });
});

describe("skipping", () => {
  it("the head of the line makes it a dead letter at once, and the line moves", async () => {
    const { uuid, received } = await makeStuck(3, () => new Response());
    const { status, body } = await change("skip", uuid, 1);
    expect(status).toBe(202);
    expect(body).toEqual({ message: `Delivery ${(await deliveryAt(uuid, 1)).uuid} is dead now.` });
    await vi.waitFor(() => expect(sequencesOf(received)).toEqual([1, 2, 3]));
    expect(await deliveryAt(uuid, 1)).toMatchObject({
      status: "dead",
      next_attempt_at: null,
      attempts_made: 1,
    });
  });

  it("one that stands behind takes it out of the line", async () => {
    const { uuid, received } = await makeStuck(3, () => new Response());
    expect((await change("skip", uuid, 2)).status).toBe(202);
    expect(await deliveryAt(uuid, 2)).toMatchObject({ status: "dead", attempts_made: 0, last_error: null });
    await runAlarms(uuid);
    expect(sequencesOf(received)).toEqual([1, 1, 3]);
  });

  it("works also right after the lane was evicted", async () => {
    const { uuid, received } = await makeStuck(3, () => new Response());
    await evictDurableObject(laneOf(uuid));
    await change("skip", uuid, 1);
    await vi.waitFor(() => expect(sequencesOf(received)).toEqual([1, 2, 3]));
  });

  it("works while the webhook is paused, and nothing is sent for it", async () => {
    receiver();
    const { uuid } = await makeListener();
    await api("POST", `${notifications}/subscribers/${uuid}/pause`);
    await publish(makeEvents(2));
    expect((await change("skip", uuid, 1)).status).toBe(202);
    const { received } = receiver();
    await api("POST", `${notifications}/subscribers/${uuid}/resume`);
    await vi.waitFor(() => expect(sequencesOf(received)).toEqual([2]));
  });

  it.each([
    ["fails", "dead", 500, { delivered: 1, dead: 1 }],
    ["succeeds all the same", "delivered", 200, { delivered: 2, dead: 0 }],
  ])("one that is under way lets it end, and the line moves: it %s", async (_, status, code, counts) => {
    const gate = Promise.withResolvers<void>();
    const { received } = receiver(async (_, index) => {
      if (index > 0) return new Response();
      await gate.promise;
      return new Response(null, { status: code });
    });
    const { uuid } = await makeListener();
    await publish(makeEvents(2));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect((await change("skip", uuid, 1)).status).toBe(202);
    expect((await deliveryAt(uuid, 1)).status).toBe("dead");
    gate.resolve();
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 2)).status).toBe("delivered"));
    expect(await deliveryAt(uuid, 1)).toMatchObject({ status, attempts_made: 1, next_attempt_at: null });
    for (const evicted of [false, true]) {
      if (evicted) await evictDurableObject(laneOf(uuid));
      expect(await laneOf(uuid).stats()).toMatchObject({ counts: { ...counts, pending: 0, failed: 0 } });
    }
    await runAlarms(uuid);
    expect(sequencesOf(received)).toEqual([1, 2]);
  });

  it.each(["delivered", "dead"])("a finished one is refused: %s", async (status) => {
    receiver(status === "dead" ? failed : undefined);
    const { uuid } = await makeListener({ retry: { max_attempts: 1 } });
    await publish(makeEvent());
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).status).toBe(status));
    const answer = await change("skip", uuid, 1);
    expect(answer.status).toBe(409);
    expect(answer.body.message).toMatch(/^Delivery .* is delivered or dead already and cannot be skipped\.$/);
  });
});
