import { describe, expect, it } from "vitest";
import { hashOf, type UuidWords, wordsOf } from "../../../src/events/shard/uuid-hash";
import { findInPage, packPage, type SeenUuid, unpackPage } from "../../../src/events/shard/uuid-pages";
import { UuidRuns } from "../../../src/events/shard/uuid-runs";
import { inShard } from "./event-shard";

/** Entries with ids from `first`. */
function entries(first: number, count: number): SeenUuid[] {
  return Array.from({ length: count }, (_, place) => ({
    words: wordsOf(crypto.randomUUID()),
    id: first + place,
    acceptedAt: 2_208_988_800_000 + place,
    routingVersion: place,
  }));
}

function idsOf(runs: UuidRuns, uuids: readonly UuidWords[]): (number | undefined)[] {
  return runs.find(uuids).map((seen) => seen?.id);
}

/** How many pages there are, and runs of each level. */
function shape(sql: SqlStorage): { pages: number; levels: number[] } {
  const levels = sql.exec<{ level: number }>("SELECT level FROM uuid_runs ORDER BY level").toArray();
  const { pages } = sql.exec<{ pages: number }>("SELECT count(*) AS pages FROM uuid_pages").one();
  return { pages, levels: levels.map(({ level }) => level) };
}

it("an entry comes out of a page as it went in, at both ends of its numbers", () => {
  const ends: SeenUuid[] = [
    { words: wordsOf("00000000-0000-0000-0000-000000000000"), id: 1, acceptedAt: 0, routingVersion: 0 },
    {
      words: wordsOf("ffffffff-ffff-ffff-ffff-ffffffffffff"),
      id: 2 ** 48 - 1,
      acceptedAt: 2 ** 48 - 1,
      routingVersion: 2 ** 32 - 1,
    },
    {
      words: wordsOf("12345678-9abc-4def-8123-456789abcdef"),
      id: 2 ** 32,
      acceptedAt: 2 ** 41,
      routingVersion: 7,
    },
  ];
  const page = packPage(ends);
  expect(unpackPage(page)).toEqual(ends);
  for (const { words, ...seen } of ends) expect(findInPage(page, words)).toEqual(seen);
  expect(findInPage(page, wordsOf("12345678-9abc-4def-8123-456789abcdee"))).toBeNull();
});

it("the hash is MurmurHash3: what is packed is found by it in every later version", () => {
  // As the reference implementation gives it for 16 bytes of 0, and for the bytes 0 to 15.
  expect(hashOf([0, 0, 0, 0], 0)).toBe(0x8134cdf8);
  expect(hashOf([0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c], 0)).toBe(0x191573dd);
});

describe("packed uuids", () => {
  it("are found whatever is being merged, by an object that starts again at any step", async () => {
    await inShard((sql) => {
      const all: SeenUuid[] = [];
      const unknown = entries(1, 50).map(({ words }) => words);
      const add = (): void => {
        const more = entries(all.length + 1, 6);
        all.push(...more);
        new UuidRuns(sql).add(more);
      };
      const check = (): void => {
        const some = all.filter(({ id }) => id % 37 === all.length % 37);
        const runs = new UuidRuns(sql);
        expect(
          idsOf(
            runs,
            some.map(({ words }) => words),
          ),
        ).toEqual(some.map(({ id }) => id));
        expect(idsOf(runs, unknown)).toEqual(unknown.map(() => undefined));
      };
      // Two levels up, and what is added meanwhile.
      for (let run = 0; run < 16 * 16 + 3; run += 1) {
        add();
        if (new UuidRuns(sql).step(0)) check();
      }
      while (new UuidRuns(sql).step(0)) check();
      expect(shape(sql).levels).toEqual([0, 0, 0, 2]);
      // One object, which keeps filters in memory.
      const one = new UuidRuns(sql);
      for (let run = 0; run < 40; run += 1) {
        const more = entries(all.length + 1, 6);
        all.push(...more);
        one.add(more);
        one.step(0);
        expect(
          idsOf(
            one,
            all.map(({ words }) => words),
          ),
        ).toEqual(all.map(({ id }) => id));
      }
      while (one.step(0));
      expect(
        idsOf(
          one,
          all.map(({ words }) => words),
        ),
      ).toEqual(all.map(({ id }) => id));
      expect(one.hasWork(0)).toBe(false);
    });
  });

  it("are removed when they are forgotten, also out of what is merged", async () => {
    await inShard((sql) => {
      const runs = new UuidRuns(sql);
      const all = entries(1, 20 * 10);
      for (let run = 0; run < 20; run += 1) runs.add(all.slice(run * 10, run * 10 + 10));
      while (runs.step(0));
      expect(shape(sql).levels).toEqual([0, 0, 0, 0, 1]);
      // The oldest run has newer ones, too: it stays.
      while (runs.step(15));
      expect(shape(sql).levels).toEqual([0, 0, 0, 0, 1]);
      while (runs.step(170));
      // The newest run stays, without pages: the numbers of runs rise for good.
      expect(shape(sql)).toEqual({ pages: 3, levels: [0, 0, 0, 1] });
      expect(
        idsOf(
          runs,
          all.map(({ words }) => words),
        ).filter((id) => id !== undefined),
      ).toEqual(all.slice(170).map(({ id }) => id));
      const more = entries(201, 13 * 10);
      for (let run = 0; run < 13; run += 1) runs.add(more.slice(run * 10, run * 10 + 10));
      while (runs.step(175));
      expect(shape(sql).levels).toEqual([1]);
      const left = idsOf(
        new UuidRuns(sql),
        [...all, ...more].map(({ words }) => words),
      );
      expect(left.filter((id) => id !== undefined)).toEqual([
        ...all.slice(175).map(({ id }) => id),
        ...more.map(({ id }) => id),
      ]);
      while (runs.step(1000));
      expect(shape(sql)).toEqual({ pages: 0, levels: [1] });
      runs.add(entries(1001, 10));
      while (runs.step(1000));
      expect(shape(sql)).toEqual({ pages: 1, levels: [0] });
      runs.clear();
      expect(shape(sql)).toEqual({ pages: 0, levels: [] });
    });
  });

  it("of a uuid that was forgotten and came again give the newer one", async () => {
    await inShard((sql) => {
      const runs = new UuidRuns(sql);
      const [old] = entries(1, 1);
      if (old === undefined) throw new Error("no entry");
      runs.add([old]);
      runs.add([{ ...old, id: 2, routingVersion: 9 }]);
      expect(runs.find([old.words])).toMatchObject([{ id: 2, routingVersion: 9 }]);
    });
  });
});
