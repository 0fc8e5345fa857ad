import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { stopClock } from "../clock";
import { makeEvents, makeListener } from "../event";
import { configOf, handoverEvent, laneOf, runAlarms } from "../lane";
import { receiver } from "../receiver";

beforeEach(stopClock);

describe("a hand-over that the disk refuses half-way", () => {
  it("leaves nothing behind, and no gap in the sequences", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const config = await configOf(uuid);
    // More than one statement takes.
    const events = makeEvents(50).map((event) => handoverEvent(event));
    await runInDurableObject(laneOf(uuid), async (lane, { storage }) => {
      const { sql } = storage;
      const exec = sql.exec.bind(sql);
      let inserts = 0;
      const refusing = vi.spyOn(sql, "exec").mockImplementation((query: string, ...bindings: unknown[]) => {
        const isInsert = query.startsWith("INSERT INTO deliveries_");
        if (isInsert) inserts += 1;
        if (isInsert && inserts === 2) throw new Error("database or disk is full");
        return exec(query, ...bindings);
      });
      await expect(lane.accept({ config, events })).rejects.toThrow("full");
      refusing.mockRestore();
      expect(await lane.deliveries({ limit: 10 })).toEqual({ deliveries: [], next: null });
      await lane.accept({ config, events });
    });
    await runAlarms(uuid, () => received.length === events.length);
    expect(received.map(({ headers }) => headers.get("X-Orchest-Sequence"))).toEqual(
      events.map((_, place) => String(place + 1)),
    );
  });
});
