import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app";
import { createJurisdictionCheck } from "../../src/db/deployment";
import { laneOf } from "../../src/lane/lane-of";
import { readLanePlacement } from "../../src/platform/lane-placement";
import { api, makeWebhook, notifications } from "../api";
import { captureLog } from "../receiver";

const uuid = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";

describe("a lane", () => {
  it("is created at LOCATION_HINT", () => {
    const getByName = vi.spyOn(env.LANES, "getByName");
    laneOf({ ...env, LOCATION_HINT: " WEUR " }, uuid);
    expect(getByName).toHaveBeenLastCalledWith(uuid, { locationHint: "weur" });
    laneOf(env, uuid);
    expect(getByName).toHaveBeenLastCalledWith(uuid, {});
  });

  it("is the one of its JURISDICTION, where the platform has jurisdictions", () => {
    const eu = { getByName: vi.fn(() => "the lane in the EU") };
    const jurisdiction = vi.spyOn(env.LANES, "jurisdiction").mockReturnValue(eu as never);
    expect(laneOf({ ...env, JURISDICTION: "eu" }, uuid)).toBe("the lane in the EU");
    expect(jurisdiction).toHaveBeenCalledWith("eu");
  });

  it("is there, locally, whatever JURISDICTION says", async () => {
    expect(await laneOf({ ...env, JURISDICTION: "eu" }, uuid).stats()).not.toBeNull();
  });

  it("is created with its webhook", async () => {
    const { uuid: created } = await makeWebhook();
    const lanes = (await listDurableObjectIds(env.LANES)).map(String);
    expect(lanes).toContain(String(env.LANES.idFromName(created)));
  });

  it("that cannot be reached does not stop its webhook from being created", async () => {
    captureLog();
    vi.spyOn(env.LANES, "getByName").mockImplementation(() => {
      throw new Error("Durable Objects are down");
    });
    const { uuid: created } = await makeWebhook();
    expect((await api("GET", `${notifications}/subscribers/${created}`)).status).toBe(200);
  });
});

describe("the settings", () => {
  it.each([
    [{ LOCATION_HINT: "europe" }, "LOCATION_HINT must be empty or one of: wnam,"],
    [{ JURISDICTION: "us" }, "JURISDICTION must be empty or one of: eu."],
  ])("refuse %o", (settings, message) => {
    expect(() => readLanePlacement({ LOCATION_HINT: "", JURISDICTION: "", ...settings })).toThrow(message);
  });
});

describe("another JURISDICTION than the first", () => {
  it.each([
    ["", "eu"],
    ["eu", ""],
  ])("is refused: “%s”, then “%s”", async (first, then) => {
    captureLog();
    await createJurisdictionCheck()({ ...env, JURISDICTION: first });
    const settings = { ...env, JURISDICTION: then };
    const health = await createApp().request("/health", {}, settings);
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({ message: expect.stringMatching(/^JURISDICTION is /) });
    const answer = await createApp().request("/api/events", { method: "POST" }, settings);
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ message: expect.stringMatching(/^JURISDICTION is /) });
    expect((await createApp().request("/health", {}, { ...env, JURISDICTION: first })).status).toBe(200);
  });
});
