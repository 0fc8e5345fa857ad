import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, makeWebhook, notifications, spec } from "../api";
import { stopClock } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { laneOf } from "../lane";
import { receiver } from "../receiver";

beforeEach(stopClock);

const create = (headers: unknown) =>
  api("POST", `${notifications}/subscribers/webhooks`, { ...spec, headers });

describe("custom headers", () => {
  it("are sent with deliveries, and shown nowhere", async () => {
    const { received, logged } = receiver();
    const { uuid } = await makeListener({ headers: { Authorization: "Bearer top-secret" } });
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(received[0]?.headers.get("Authorization")).toBe("Bearer top-secret");
    const webhook = await api<{ headers: Record<string, string> }>(
      "GET",
      `${notifications}/subscribers/${uuid}`,
    );
    expect(webhook.body.headers).toEqual({ Authorization: "********" });
    await vi.waitFor(async () => {
      const delivery = await laneOf(uuid).delivery(1);
      expect(delivery?.sent?.headers["Authorization"]).toBe("********");
    });
    expect(logged()).not.toContain("top-secret");
  });

  it("are sent with a test ping too", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook({ headers: { "X-Team": "data" } });
    await api("GET", `${notifications}/subscribers/test-ping-delivery/${uuid}`);
    expect(received[0]?.headers.get("X-Team")).toBe("data");
  });

  it("are replaced as a set by a PUT, masked values staying as they are", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ headers: { "X-One": "1", "X-Two": "2" } });
    const headers = { "X-One": "********", "X-Three": "3" };
    await api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, { headers });
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    const sent = received[0]?.headers;
    expect([sent?.get("X-One"), sent?.get("X-Two"), sent?.get("X-Three")]).toEqual(["1", null, "3"]);
  });

  it.each([
    "Content-Type",
    "content-length",
    "Host",
    "User-Agent",
    "X-Orchest-Event",
    "X-Hub-Signature",
    "webhook-id",
    "CF-Ray",
    "Transfer-Encoding",
  ])("named %s are refused: the gateway sets it", async (name) => {
    const { status, body } = await create({ [name]: "x" });
    expect(status).toBe(400);
    expect(body.message).toContain("set by the gateway");
  });

  it.each([
    [{ "X A": "x" }, /only of letters/],
    [{ "": "x" }, /only of letters/],
    [{ "X-A": "a\r\nX-B: b" }, /one line of visible ASCII/],
    [{ "X-A": "a\u0000" }, /one line of visible ASCII/],
    [{ "X-A": "" }, /one line of visible ASCII/],
    [{ "X-A": "x".repeat(1025) }, /1024/],
    [{ "X-A": "1", "x-a": "2" }, /twice/],
    [Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`X-${n}`, "x"])), /at most 20/],
    [["X-A"], /object/],
  ])("are refused when they are no headers: %j", async (headers, message) => {
    const { status, body } = await create(headers);
    expect(status).toBe(400);
    expect(body.message).toMatch(message);
  });

  it("may be 20, with values of 1,024 characters", async () => {
    const headers = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`X-${n}`, "x".repeat(1024)]));
    expect((await create(headers)).status).toBe(201);
  });
});
