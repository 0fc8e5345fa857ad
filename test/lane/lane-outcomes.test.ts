import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { spec } from "../api";
import { restartClock, stopClock } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { runAlarms } from "../lane";
import { type Answering, receiver } from "../receiver";

beforeEach(stopClock);
afterEach(restartClock);

/** How many attempts one delivery takes when its first is answered so, and every later one with 200. */
async function attemptsAfter(first: Answering): Promise<number> {
  const { received } = receiver((request, index) => (index === 0 ? first(request, index) : new Response()));
  const { uuid } = await makeListener();
  await publish(makeEvent());
  await vi.waitFor(() => expect(received).toHaveLength(1));
  await runAlarms(uuid);
  return received.length;
}

describe("an answer is success, and final,", () => {
  it.each([200, 201, 202, 204, 226, 299])("when it is %i", async (status) => {
    expect(await attemptsAfter(() => new Response(null, { status }))).toBe(1);
  });

  it("whatever its body says", async () => {
    expect(await attemptsAfter(() => new Response('{"error":"failed"}'))).toBe(1);
  });

  it("when its body breaks off", async () => {
    const broken = new ReadableStream({
      pull(controller) {
        controller.error(new Error("connection reset"));
      },
    });
    expect(await attemptsAfter(() => new Response(broken))).toBe(1);
  });
});

it("an answer of 410 ends everything: neither this delivery nor another one is tried", async () => {
  const { received } = receiver(() => new Response(null, { status: 410 }));
  const { uuid } = await makeListener();
  await publish([makeEvent(), makeEvent()]);
  await vi.waitFor(() => expect(received).toHaveLength(1));
  await runAlarms(uuid);
  await publish(makeEvent());
  await runAlarms(uuid);
  expect(received).toHaveLength(1);
});

describe("an answer is a failure, and the delivery is tried again,", () => {
  it.each([300, 304, 400, 401, 404, 408, 409, 413, 429, 500, 502, 503, 522, 526, 530, 599])(
    "when it is %i",
    async (status) => {
      expect(await attemptsAfter(() => new Response(null, { status }))).toBe(2);
    },
  );

  it.each([301, 302, 303, 307, 308])("when it is a redirect (%i), which is not followed", async (status) => {
    const headers = { Location: "https://elsewhere.example.com/" };
    expect(await attemptsAfter(() => new Response(null, { status, headers }))).toBe(2);
    // Without the questions to the resolver, when the webhook was made.
    const calls = vi.mocked(fetch).mock.calls.filter(([, init]) => init?.method === "POST");
    expect(calls.map(([input, init]) => [input, init?.redirect])).toEqual([
      [spec.url, "manual"],
      [spec.url, "manual"],
    ]);
  });

  it.each([
    ["Network connection lost.", new Error("Network connection lost.")],
    ["internal error", new Error("internal error; reference = 0123456789abcdef")],
    ["something that is no error", "refused"],
  ])("when none comes: %s", async (_, thrown) => {
    expect(await attemptsAfter(() => Promise.reject(thrown))).toBe(2);
  });
});
