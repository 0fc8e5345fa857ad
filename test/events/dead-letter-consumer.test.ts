import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { makeEvent } from "../event";
import { consume, rejected } from "../queue";
import { captureLog } from "../receiver";

beforeEach(() => void captureLog());

describe("the consumer of the dead-letter queue", () => {
  it("keeps every message with a reason, as it came", async () => {
    const event = makeEvent();
    const bodies = [event, JSON.stringify([event]), new TextEncoder().encode("bytes"), null];
    const { retried } = await consume(bodies, "events-dlq");
    expect(retried).toEqual([]);
    expect((await rejected()).map(({ body }) => body)).toEqual([
      JSON.stringify(event),
      JSON.stringify([event]),
      "bytes",
      "null",
    ]);
    for (const { reason } of await rejected()) expect(reason).toMatch(/all its retries/);
  });

  it("drops a word of the gateway to itself: cron hands over anyway", async () => {
    await consume([{ handover: 1 }, { handover: 2 }], "events-dlq");
    expect(await rejected()).toEqual([]);
  });

  it("keeps what JSON cannot express, too", async () => {
    await consume([makeEvent({ big: 1n }), makeEvent()], "events-dlq");
    expect(await rejected()).toHaveLength(2);
  });

  it("throws when it cannot keep them, so that the whole batch is retried", async () => {
    vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1 is down"));
    await expect(consume([makeEvent()], "events-dlq")).rejects.toThrow("D1 is down");
  });
});
