import { describe, expect, it } from "vitest";
import { api } from "../api";
import { archived, makeEvent } from "../event";
import { forAll } from "../for-all";
import { consume, rejected } from "../queue";
import { captureLog } from "../receiver";

type Accepted = { accepted: { uuid: string; timestamp?: string; duplicate: boolean }[]; message?: string };

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[48][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const type = "project:created";

/** Publishes over HTTPS, with an idempotency key or without. */
async function publish(body: unknown, key?: string): Promise<Accepted["accepted"]> {
  const headers: Record<string, string> = key === undefined ? {} : { "Idempotency-Key": key };
  const answer = await api<Accepted>("POST", "/api/events", body, { headers });
  expect({ status: answer.status, message: answer.body.message }).toEqual({ status: 202 });
  return answer.body.accepted;
}

describe("an event without a uuid or a timestamp", () => {
  it("gets them, they are returned, and the rest of its text is as it was published", async () => {
    const rest = `"type" : "${type}", "exact": [1.0, 12345678901234567890]}`;
    const [[both], [uuid], [timestamp], [none]] = await Promise.all([
      publish(`{ ${rest}`),
      publish(`{"timestamp":"2022-06-02T16:12Z",${rest}`),
      publish(`{"uuid":"ABCDEFAB-CDEF-4BCD-8FAB-ABCDEFABCDEF",${rest}`),
      publish(makeEvent()),
    ]);
    expect(both).toMatchObject({ uuid: expect.stringMatching(uuidPattern), timestamp: expect.any(String) });
    expect(uuid).toEqual({ uuid: expect.stringMatching(uuidPattern), duplicate: false, deliveries: 0 });
    expect(timestamp?.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Object.keys(none ?? {})).toEqual(["uuid", "duplicate", "deliveries"]);
    const texts = new Map((await archived()).map((event) => [event.uuid, event.body]));
    expect(texts.get(both?.uuid ?? "")).toBe(
      `{"uuid":"${both?.uuid}","timestamp":"${both?.timestamp}", ${rest}`,
    );
    expect(texts.get(uuid?.uuid ?? "")).toBe(
      `{"uuid":"${uuid?.uuid}","timestamp":"2022-06-02T16:12Z",${rest}`,
    );
    expect(texts.get(timestamp?.uuid ?? "")).toBe(
      `{"timestamp":"${timestamp?.timestamp}","uuid":"ABCDEFAB-CDEF-4BCD-8FAB-ABCDEFABCDEF",${rest}`,
    );
  });

  it("is a new one each time, alone and in an array", async () => {
    const one = { type };
    const accepted = [...(await publish(one)), ...(await publish(one)), ...(await publish([one, one]))];
    expect(new Set(accepted.map(({ uuid }) => uuid)).size).toBe(4);
    expect(accepted.map(({ duplicate }) => duplicate)).toEqual([false, false, false, false]);
  });

  it("that is repeated with the uuid of the answer, or one that its publisher made, is a duplicate", async () => {
    const uuid = crypto.randomUUID();
    await publish({ uuid, type });
    expect(await publish({ uuid, type })).toMatchObject([{ uuid, duplicate: true }]);
    const answer = await api("POST", "/api/events", { uuid, type, other: true });
    expect(answer.status).toBe(409);
  });

  it("is refused with a sentence where what it has is not valid, or it has no type", () =>
    forAll(
      [
        [{}, /^type: /],
        [{ uuid: null, type }, /^uuid: /],
        [{ uuid: "", type }, /^uuid: /],
        [{ timestamp: null, type }, /^timestamp: /],
        ["{ }", /^type: /],
        [[{ type }, { type: "x" }], /^events\[1\]: type: /],
        [[null], /^events\[0\]: An event must be an object/],
      ],
      async (body, message) => {
        const answer = await api("POST", "/api/events", body);
        expect([answer.status, answer.body.message]).toEqual([400, expect.stringMatching(message)]);
        expect(await archived()).toEqual([]);
      },
    ));
});

describe("an Idempotency-Key", () => {
  it("has a repeat publish no second event, whatever is left out", () =>
    forAll(
      [
        ["a", { type }],
        ["b", [{ type }, { type }, { type }]],
        ["c", { type, timestamp: "2026-01-01T00:00Z" }],
        ["d", [{ type }, makeEvent()]],
        ["e", makeEvent()],
        ["x".repeat(255), { type }],
      ],
      async (key, body) => {
        const first = await publish(body, key);
        const second = await publish(body, key);
        expect(second.map(({ uuid }) => uuid)).toEqual(first.map(({ uuid }) => uuid));
        expect(second.map(({ timestamp }) => timestamp)).toEqual(first.map(({ timestamp }) => timestamp));
        expect([first, second].map((all) => all.every(({ duplicate }) => duplicate))).toEqual([false, true]);
      },
    ));

  it("is one of its own for each key, and the same with quotes around it", async () => {
    const [[one], [other], [quoted]] = [
      await publish({ type }, "one"),
      await publish({ type }, "other"),
      await publish({ type }, '"one"'),
    ];
    expect(other?.uuid).not.toBe(one?.uuid);
    expect(quoted?.uuid).toBe(one?.uuid);
  });

  it("that comes with another event is a 409", async () => {
    await publish({ type }, "key");
    const answer = await api(
      "POST",
      "/api/events",
      { type, more: 1 },
      { headers: { "Idempotency-Key": "key" } },
    );
    expect(answer.status).toBe(409);
  });

  it("is refused where it is malformed, or would be ignored", () =>
    forAll(
      [
        ["/api/events", "x".repeat(256)],
        ["/api/events", "\u00e9"],
        ["/api/tokens", "key"],
        ["/api/notifications/subscribers/webhooks", "key"],
      ],
      async (path, key) => {
        const answer = await api("POST", path, { type }, { headers: { "Idempotency-Key": key } });
        expect([answer.status, answer.body.message]).toEqual([
          400,
          expect.stringMatching(/^Idempotency-Key: /),
        ]);
      },
    ));
});

it("a queue message without them is kept as rejected: nobody would learn its uuid", async () => {
  captureLog();
  expect(await consume([JSON.stringify({ type })])).toEqual({ acked: ["message-0"], retried: [] });
  expect(await rejected()).toMatchObject([{ reason: expect.stringMatching(/^uuid: .*timestamp: /) }]);
});
