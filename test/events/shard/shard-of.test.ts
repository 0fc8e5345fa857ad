import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { shardOf, shardStub } from "../../../src/events/shard/shard-of";

const uuids = 20_000;

/** UUIDs of some kind, by their place. */
const kinds: Record<string, (place: number) => string> = {
  random: () => crypto.randomUUID(),
  "counted at their end": (place) => `00000000-0000-4000-8000-${place.toString(16).padStart(12, "0")}`,
  "ordered by time": (place) =>
    `${(0x018f0000 + (place >> 8)).toString(16).padStart(8, "0")}-${(place & 0xff).toString(16).padStart(4, "0")}-7abc-8def-0123456789ab`,
};

describe("an event's shard", () => {
  it("is one of them, and all of them get their share", () => {
    for (const [kind, make] of Object.entries(kinds)) {
      for (const shards of [1, 4, 8, 256]) {
        const counts = Array.from({ length: shards }, () => 0);
        for (let place = 0; place < uuids; place += 1) {
          const shard = shardOf(make(place), shards);
          counts[shard] = (counts[shard] ?? 0) + 1;
        }
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(uuids);
        // Five standard deviations of an even spread, which are a few per cent of it for few shards.
        const expected = uuids / shards;
        const slack = 5 * Math.sqrt(expected);
        expect(Math.max(...counts), `${kind}, ${shards}`).toBeLessThanOrEqual(expected + slack);
        expect(Math.min(...counts), `${kind}, ${shards}`).toBeGreaterThanOrEqual(expected - slack);
      }
    }
  });

  it("is another one only if it is the one that was added, which gets its share", () => {
    for (const make of Object.values(kinds)) {
      const some = Array.from({ length: 4000 }, (_, place) => make(place));
      for (const shards of [1, 2, 4, 7, 15, 255]) {
        const moved = some.filter((uuid) => shardOf(uuid, shards) !== shardOf(uuid, shards + 1));
        expect(moved.map((uuid) => shardOf(uuid, shards + 1)).every((shard) => shard === shards)).toBe(true);
        const share = some.length / (shards + 1);
        expect(Math.abs(moved.length - share)).toBeLessThanOrEqual(5 * Math.sqrt(share));
      }
    }
  });

  it("never changes: what is archived is found by it", () => {
    const uuid = "2f2e2f0c-1c3b-4e65-9a50-6f6ff2e0a7f1";
    expect([1, 4, 8, 16, 256].map((shards) => shardOf(uuid, shards))).toEqual([0, 3, 5, 5, 230]);
  });

  it("is asked for a UUID in lower case only", () => {
    for (const wrong of [
      "",
      "x",
      "2F2E2F0C-1C3B-4E65-9A50-6F6FF2E0A7F1",
      "2f2e2f0c1c3b4e659a506f6ff2e0a7f1",
    ]) {
      expect(() => shardOf(wrong, 4)).toThrow("not a UUID");
    }
  });
});

describe("a shard", () => {
  it("lives where lanes do: at LOCATION_HINT, within JURISDICTION where the platform has jurisdictions", async () => {
    const getByName = vi.spyOn(env.SHARDS, "getByName");
    shardStub({ ...env, LOCATION_HINT: "weur" }, 3);
    expect(getByName).toHaveBeenLastCalledWith("shard-3", { locationHint: "weur" });
    expect(await shardStub({ ...env, JURISDICTION: "eu" }, 3).completeSince()).toBe(0);
    const eu = { getByName: vi.fn(() => "the shard in the EU") };
    vi.spyOn(env.SHARDS, "jurisdiction").mockReturnValue(eu as never);
    expect(shardStub({ ...env, JURISDICTION: "eu" }, 3)).toBe("the shard in the EU");
  });
});
