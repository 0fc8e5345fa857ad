import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { pruneRejected } from "../../../src/events/rejected";
import { type Answer, api } from "../../api";
import { allPages } from "../../deliveries";
import {
  type AcceptedAnswer,
  archived,
  eventUuidsIn,
  makeEvent,
  makeEvents,
  makeListener,
  publish,
} from "../../event";
import { consume } from "../../queue";
import { receiver, type Received } from "../../receiver";

type Rejected = { id: number; reason: string; body: string; received_at: string; message_id: string };
type RejectedAnswer = { rejected: Rejected[]; next_cursor: string | null; message?: string };

let received: Received[];
beforeEach(async () => {
  ({ received } = receiver());
  await makeListener();
});

/** What is kept, oldest first. */
async function kept(): Promise<Rejected[]> {
  return (await api<RejectedAnswer>("GET", "/api/rejected")).body.rejected.toReversed();
}

/** Has the dead-letter queue bring a message. @returns its id. */
async function giveUp(body: unknown): Promise<number> {
  await consume([body], "events-dlq");
  return (await kept()).at(-1)?.id ?? 0;
}

/** The ids on each page of so many. */
async function pagesOf(limit: number): Promise<number[][]> {
  const pages = await allPages<RejectedAnswer>(`/api/rejected?limit=${limit}`);
  return pages.map(({ rejected }) => rejected.map(({ id }) => id));
}

function redrive(id: number | string): Promise<Answer<AcceptedAnswer & { message: string }>> {
  return api("POST", `/api/rejected/${id}/redrive`);
}

describe("GET /api/rejected", () => {
  it("is empty at first", async () => {
    const { status, body } = await api<RejectedAnswer>("GET", "/api/rejected");
    expect(status).toBe(200);
    expect(body).toEqual({ rejected: [], next_cursor: null });
  });

  it("gives what could not be used as it came, with the reason, newest first", async () => {
    await consume(["{", { uuid: 1 }]);
    const { body } = await api<RejectedAnswer>("GET", "/api/rejected");
    expect(body).toEqual({
      rejected: [
        {
          id: 2,
          reason: expect.stringMatching(/^uuid: must be a UUID/),
          body: '{"uuid":1}',
          received_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          message_id: "message-1",
        },
        expect.objectContaining({
          id: 1,
          body: "{",
          message_id: "message-0",
          reason: "The body is not valid JSON.",
        }),
      ],
      next_cursor: null,
    });
  });

  it("has pages that end with a null, also where the last one is full", async () => {
    await consume(Array.from({ length: 4 }, () => "{"));
    expect(await pagesOf(2)).toEqual([
      [4, 3],
      [2, 1],
    ]);
    expect(await pagesOf(3)).toEqual([[4, 3, 2], [1]]);
    expect(await pagesOf(100)).toEqual([[4, 3, 2, 1]]);
  });

  it.each(["limit=0", "limit=101", "cursor=x"])("refuses %s", async (query) => {
    const { status, body } = await api("GET", `/api/rejected?${query}`);
    expect(status).toBe(400);
    expect(body.message).toContain(query.split("=")[0]);
  });

  it("needs a token", async () => {
    expect((await api("GET", "/api/rejected", undefined, { token: null })).status).toBe(401);
  });
});

describe("POST /api/rejected/{id}/redrive", () => {
  it("publishes the message, answers as publishing does, and keeps it no more", async () => {
    const events = makeEvents(2);
    const id = await giveUp(events);
    const { status, body } = await redrive(id);
    expect(status).toBe(202);
    expect(body).toEqual({
      accepted: events.map(({ uuid }) => ({ uuid, duplicate: false, deliveries: 1 })),
    });
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(eventUuidsIn(received)).toEqual(events.map(({ uuid }) => uuid));
    expect(await kept()).toEqual([]);
  });

  it("publishes the text as it came: 1.0 and large integers survive", async () => {
    const text = `{"big": 12345678901234567890, "one": 1.0, ${JSON.stringify(makeEvent()).slice(1)}`;
    await redrive(await giveUp(text));
    expect((await archived()).map(({ body }) => body)).toEqual([text]);
  });

  it("takes one message, and leaves the others", async () => {
    const first = await giveUp(makeEvent());
    const second = await giveUp(makeEvent());
    expect((await redrive(first)).status).toBe(202);
    expect((await kept()).map(({ id }) => id)).toEqual([second]);
  });

  it("succeeds for what was published in the meantime, and delivers it once", async () => {
    const event = makeEvent();
    const id = await giveUp(event);
    await publish(event);
    const { status, body } = await redrive(id);
    expect(status).toBe(202);
    expect(body.accepted).toEqual([{ uuid: event.uuid, duplicate: true, deliveries: 0 }]);
    expect(await kept()).toEqual([]);
    await vi.waitFor(() => expect(received).toHaveLength(1));
  });

  it("answers 400 with the reason when the message still cannot be used; it stays, with this reason", async () => {
    const id = await giveUp({ uuid: 1 });
    const { status, body } = await redrive(id);
    expect(status).toBe(400);
    expect(body.message).toMatch(/^uuid: must be a UUID/);
    expect(await kept()).toMatchObject([{ id, reason: body.message, body: '{"uuid":1}' }]);
  });

  it("answers 409 when a uuid is known with another text; it stays, with this reason", async () => {
    const event = makeEvent({ note: "first" });
    await publish(event);
    const id = await giveUp({ ...event, note: "second" });
    const { status, body } = await redrive(id);
    expect(status).toBe(409);
    expect(body.message).toContain(event.uuid);
    expect(await kept()).toMatchObject([{ id, reason: body.message }]);
  });

  it("refuses bytes that are no text: what is shown of them is not what came", async () => {
    const text = JSON.stringify(makeEvent({ note: "ÿ" }));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const id = await giveUp(bytes);
    expect(JSON.parse((await kept())[0]?.body ?? "")).toMatchObject({ note: "\ufffd" });
    const { status, body } = await redrive(id);
    expect(status).toBe(400);
    expect(body.message).toMatch(/^It was not kept exactly/);
    expect(await kept()).toHaveLength(1);
    expect(await archived()).toEqual([]);
  });

  it("keeps the message when it cannot be published now", async () => {
    const id = await giveUp(makeEvent());
    const down = vi.spyOn(env.SHARDS, "getByName").mockImplementation(() => {
      throw new Error("The shard is gone.");
    });
    expect((await redrive(id)).status).toBe(503);
    down.mockRestore();
    expect(await kept()).toMatchObject([{ id, reason: expect.stringMatching(/all its retries/) }]);
    expect((await redrive(id)).status).toBe(202);
  });

  it.each(["1", "0", "-1", "x", "1.5", "99999999999999999999"])("answers 404 for the id %s", async (id) => {
    const { status, body } = await redrive(id);
    expect(status).toBe(404);
    expect(body).toEqual({ message: `Rejected message ${id} does not exist.` });
  });

  it("answers 404 the second time", async () => {
    const id = await giveUp(makeEvent());
    await redrive(id);
    expect((await redrive(id)).status).toBe(404);
  });
});

type Redriven = {
  redriven: number;
  failed: { id: number; reason: string }[];
  left: number;
  next_cursor: string | null;
  message?: string;
};

function redriveAll(filter?: unknown): Promise<Answer<Redriven>> {
  return api("POST", "/api/rejected/redrive", filter);
}

/** Keeps so many messages with an event each, with one D1 call. @returns their uuids, oldest first. */
async function keepMany(
  count: number,
  { reason = "given up", receivedAt = Date.now() } = {},
): Promise<string[]> {
  const events = makeEvents(count);
  await env.DB.prepare(
    `INSERT INTO rejected (message_id, reason, body, is_exact, received_at)
     SELECT 'message-' || key, ?2, value, 1, ?3 FROM json_each(?1)`,
  )
    .bind(JSON.stringify(events), reason, receivedAt)
    .run();
  return events.map(({ uuid }) => uuid);
}

describe("POST /api/rejected/redrive", () => {
  it("publishes all, oldest first, and keeps them no more", async () => {
    const uuids = await keepMany(5);
    const { status, body } = await redriveAll();
    expect(status).toBe(200);
    expect(body).toEqual({ redriven: 5, failed: [], left: 0, next_cursor: null });
    // What two shards accept within a millisecond has no order in the archive: a lane has one.
    expect((await archived()).map(({ uuid }) => uuid).toSorted()).toEqual(uuids.toSorted());
    expect(await kept()).toEqual([]);
    await vi.waitFor(() => expect(received).toHaveLength(5));
    expect(eventUuidsIn(received)).toEqual(uuids);
  });

  it("tries 100 for each call, and says how many are left: the next call goes on behind them", async () => {
    await keepMany(101);
    const { body } = await redriveAll({});
    expect(body).toEqual({ redriven: 100, failed: [], left: 1, next_cursor: "100" });
    expect((await redriveAll({ cursor: body.next_cursor })).body).toMatchObject({ redriven: 1, left: 0 });
  });

  it("leaves what still cannot be used, with its reason, and goes on behind it", async () => {
    const broken = await giveUp({ uuid: 1 });
    const inexact = await giveUp(new Uint8Array([0xff]));
    await keepMany(1);
    const { body } = await redriveAll();
    expect(body).toMatchObject({ redriven: 1, left: 0, next_cursor: null });
    expect(body.failed).toEqual([
      { id: broken, reason: expect.stringMatching(/^uuid: must be a UUID/) },
      { id: inexact, reason: expect.stringContaining("not kept exactly") },
    ]);
    expect((await kept()).map(({ id }) => id)).toEqual([broken, inexact]);
  });

  it.each([
    [{ reason: "D1 WAS down" }, [2]],
    [{ reason: "%" }, []],
    [{ since: new Date(2000).toISOString() }, [2, 3]],
    [{ until: new Date(2000).toISOString() }, [1]],
    [{ since: new Date(2000).toISOString(), until: new Date(3000).toISOString() }, [2]],
    [{ reason: null, since: null, until: null, cursor: null }, [1, 2, 3]],
  ])("with %o takes those that match", async (filter, ids) => {
    await keepMany(1, { reason: "The archive is full", receivedAt: 1000 });
    await keepMany(1, { reason: "given up: D1 was down", receivedAt: 2000 });
    await keepMany(1, { reason: "given up", receivedAt: 3000 });
    expect((await redriveAll(filter)).body).toMatchObject({ redriven: ids.length, left: 0 });
    expect((await kept()).map(({ id }) => id)).toEqual([1, 2, 3].filter((id) => !ids.includes(id)));
  });

  it.each([
    [{ reasons: "x" }, "unknown reasons"],
    [{ reason: "" }, "reason: must not be empty"],
    [{ since: "yesterday" }, "since: must be an ISO 8601 time"],
    [{ cursor: "x" }, "cursor: must be the next_cursor"],
    [[], "a filter must be an object"],
  ])("refuses %o, and tries nothing", async (filter, message) => {
    await keepMany(1);
    const { status, body } = await redriveAll(filter);
    expect(status).toBe(400);
    expect(body.message).toContain(message);
    expect(await kept()).toHaveLength(1);
  });

  it("is audited, with how many", async () => {
    await keepMany(2);
    await giveUp({ uuid: 1 });
    await redriveAll();
    const { body } = await api<{ entries: { action: string; detail: string }[] }>(
      "GET",
      "/api/audit?limit=1",
    );
    expect(body.entries).toMatchObject([{ action: "rejected.redriven", detail: "2 of 3 messages" }]);
  });

  it("stops at a failure of ours: what was not tried stays, and a repetition delivers nothing twice", async () => {
    await keepMany(3);
    const prepare = env.DB.prepare.bind(env.DB);
    let removals = 0;
    vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
      if (query.startsWith("DELETE FROM rejected")) removals += 1;
      if (removals === 2) throw new Error("D1 is down");
      return prepare(query);
    });
    expect((await redriveAll()).status).toBe(503);
    vi.restoreAllMocks();
    ({ received } = receiver());
    expect((await redriveAll()).body).toMatchObject({ redriven: 2, left: 0 });
    expect(await kept()).toEqual([]);
  });
});

const prune = (limits: { before?: number; bytesMax?: number }): Promise<number> =>
  pruneRejected(env.DB, { before: 0, bytesMax: 1_000_000, ...limits });

describe("what is rejected", () => {
  it("is forgotten when its time is over, and not before", async () => {
    await keepMany(1, { receivedAt: 1999 });
    await keepMany(1, { receivedAt: 2000 });
    expect(await prune({ before: 2000 })).toBe(1);
    expect((await kept()).map(({ id }) => id)).toEqual([2]);
  });

  it("is forgotten beyond its size, the oldest first, also after others were redriven", async () => {
    await keepMany(10);
    const [first] = await kept();
    const size = new TextEncoder().encode(first?.body).length + 500;
    expect(await prune({ bytesMax: 10 * size })).toBe(0);
    expect(await prune({ bytesMax: 9 * size })).toBe(1);
    await redrive(5);
    expect(await prune({ bytesMax: 8 * size })).toBe(0);
    expect(await prune({ bytesMax: 8 * size - 1 })).toBe(1);
    expect((await kept()).map(({ id }) => id)).toEqual([3, 4, 6, 7, 8, 9, 10]);
  });

  it("is pruned 1,000 at a time", async () => {
    await keepMany(1001, { receivedAt: 1 });
    expect(await prune({ before: 2 })).toBe(1000);
    expect(await prune({ before: 2 })).toBe(1);
  });
});
