import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { stopClock } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { interceptAccept, runAlarm } from "../lane";
import { type Answering, receiver } from "../receiver";

beforeEach(stopClock);

const url = "https://hooks.example.com/hidden-path?key=hidden-query";
const secret = "hidden-secret";

/** Publishes an event with something hidden in it, and lets its delivery run twice. @returns the log. */
async function logOf(answer: Answering): Promise<string> {
  const { logged, received } = receiver(answer);
  const { uuid } = await makeListener({ url, secret });
  await publish(makeEvent({ note: "hidden-note" }));
  await vi.waitFor(() => expect(received).not.toHaveLength(0));
  await runAlarm(uuid);
  await vi.waitFor(() => expect(logged()).toContain('"attempt"'));
  return logged();
}

describe("the log", () => {
  it.each<[string, Answering]>([
    ["a success", () => new Response("hidden-answer")],
    ["a failure", () => new Response("hidden-answer", { status: 500 })],
    ["an exception that names the URL", () => Promise.reject(new Error(`connection to ${url} lost`))],
  ])("says nothing of the URL's path, the secret and the bodies after %s", async (_, answer) => {
    expect(await logOf(answer)).not.toMatch(/hidden/);
  });

  it("says nothing of them when the lane or the database fails", async () => {
    const { logged } = receiver();
    await makeListener({ url, secret });
    interceptAccept(() => Promise.reject(new Error("lane broke")));
    vi.spyOn(env.EVENTS, "send").mockRejectedValue(new Error("no queue"));
    await publish(makeEvent({ note: "hidden-note" }));
    vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1 is down"));
    await publish(makeEvent({ note: "hidden-note" }));
    expect(logged()).toContain("lane broke");
    expect(logged()).toContain("D1 is down");
    expect(logged()).not.toMatch(/hidden/);
  });

  it("has one line for each attempt, with what came of it", async () => {
    const lines = (await logOf((_, index) => new Response(null, { status: index === 0 ? 503 : 204 })))
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ message }) => message === "attempt");
    expect(lines).toMatchObject([
      { level: "warn", sequence: 1, attempt: 1, status: 503, error: "http_5xx", type: "project:created" },
      { level: "info", sequence: 1, attempt: 2, status: 204, error: null, type: "project:created" },
    ]);
  });
});
