import { beforeEach, describe, expect, it, vi } from "vitest";
import { spec } from "../api";
import { passTime, stopClock } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { laneOf, runAlarms } from "../lane";
import { type Answering, receiver } from "../receiver";

beforeEach(stopClock);

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

describe("an answer of a known service", () => {
  const slack = "https://hooks.slack.com/services/T/B/x";

  it("that it takes nothing more disables the webhook, with the service's own words", async () => {
    const { received } = receiver(() => new Response("channel_is_archived", { status: 410 }));
    const { uuid } = await makeListener({ url: slack });
    await publish([makeEvent(), makeEvent()]);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await runAlarms(uuid);
    expect(received).toHaveLength(1);
    expect(await laneOf(uuid).stats()).toMatchObject({
      state: "disabled",
      disabledReason: "The service takes nothing more. Slack: channel_is_archived",
    });
  });

  it("that it will never take the message gives that one up at once, and the next one goes", async () => {
    const { received } = receiver((_, index) =>
      index === 0 ? new Response("invalid_payload", { status: 400 }) : new Response("ok"),
    );
    const { uuid } = await makeListener({ url: slack, rate_limit_per_s: 1000 });
    await publish([makeEvent(), makeEvent()]);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    passTime(1000);
    await runAlarms(uuid);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    await vi.waitFor(async () =>
      expect((await laneOf(uuid).stats())?.counts).toMatchObject({ delivered: 1, dead: 1 }),
    );
    expect(received.map(({ headers }) => headers.get("X-Orchest-Attempt"))).toEqual(["1", "1"]);
  });

  it("that it failed is a failure, also as a 200", async () => {
    const failure = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP 429";
    const { received } = receiver((_, index) => new Response(index === 0 ? failure : "1"));
    const { uuid } = await makeListener({ url: "https://acme.webhook.office.com/webhookb2/x" });
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await runAlarms(uuid);
    expect(received).toHaveLength(2);
  });
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
