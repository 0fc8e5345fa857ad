/** A large shard, made by SQL: what it reads, in rows. `SHARD_ROWS=1000000` makes it ten times as large. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { stopClock } from "../../clock";
import { archive, countIn, event, fill, filledUuid, list, restart, route, shard } from "./event-shard";

const size = Number(env.SHARD_ROWS);

beforeEach(stopClock);
beforeEach(() => route());

describe("a shard", () => {
  it("reads rows by what it answers, whatever it holds", { timeout: 900_000 }, async () => {
    await fill(size);
    // Waking up: what is not packed yet, and the filters of what is.
    const wakeUp = await countIn(async () => {
      await restart();
      await archive(event());
    });
    expect(wakeUp.read, `wake-up at ${size}`).toBeGreaterThan(0);
    expect(wakeUp.read, `wake-up at ${size}`).toBeLessThanOrEqual(5000);

    const fresh = await countIn(() => archive(...Array.from({ length: 100 }, () => event())));
    expect(fresh.written).toBe(100);
    // One for each row that is written. No look-up for each event: some filters give a page that does not have it.
    expect(fresh.read, `100 new events at ${size}`).toBeLessThanOrEqual(120);

    for (const id of [1, 7, size / 2, size - 10]) {
      const repeat = event({ uuid: filledUuid(id) });
      const counts = await countIn(async () => {
        expect(await archive(repeat), `event ${id} of ${size}`).toMatchObject([{ isKnown: true }]);
        expect(await shard().texts([repeat.uuid])).toEqual([{ uuid: repeat.uuid, text: repeat.body }]);
        expect(await shard().find(repeat.uuid)).toMatchObject({ uuid: repeat.uuid });
      });
      expect(counts.read, `three looks at event ${id} of ${size}`).toBeLessThanOrEqual(20);
      expect(counts.written).toBe(0);
    }

    let before: number | undefined;
    const pages = await countIn(async () => {
      for (let page = 0; page < 3; page += 1) {
        const { events, next } = await list({
          limit: 50,
          ...(before === undefined ? {} : { before }),
        });
        expect(events).toHaveLength(50);
        before = next ?? undefined;
      }
    });
    expect(pages.read, `3 pages of 50 at ${size}`).toBeLessThanOrEqual(3 * 10 * 50);

    const since = Date.now() - size / 2;
    const inTimes = await countIn(async () => {
      const { events } = await list({ limit: 50, since, until: since + 1000 });
      expect(events).toHaveLength(50);
    });
    expect(inTimes.read, `50 of a second at ${size}`).toBeLessThanOrEqual(10 * 50);

    const rare = await countIn(async () => {
      const { events, next } = await list({ type: "project:deleted", limit: 50 });
      expect(events.length).toBeGreaterThanOrEqual(19);
      expect(events.length).toBeLessThan(50);
      expect(next).not.toBeNull();
      const nextPage = await list({ type: "project:deleted", limit: 50, before: next ?? 0 });
      expect(nextPage.events[0]?.id).toBeLessThan(events.at(-1)?.id ?? 0);
    });
    expect(rare.read, `2 pages of a rare type at ${size}`).toBeLessThanOrEqual(2 * 20_010);
  });
});
