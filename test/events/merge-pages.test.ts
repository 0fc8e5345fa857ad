import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergePages, type SourcePage } from "../../src/events/merge-pages";

type Order = "newest" | "oldest";
/** An item of a source of the tests: its id is its place in the source, from 1. */
type Stored = { at: number; place: number };

/** Reads the next page of a source as shards do: at most `limit` items, of which `scanned` are looked at. */
function readPage(
  stored: readonly Stored[],
  {
    source,
    from,
    order,
    limit,
    scanned,
  }: { source: number; from: number; order: Order; limit: number; scanned: number },
): SourcePage<string> {
  const sorted = stored.map(({ at, place }, index) => ({
    id: index + 1,
    at,
    place,
    item: `${source}:${index + 1}`,
  }));
  const left =
    order === "oldest"
      ? sorted.filter(({ id }) => id > from)
      : sorted.filter(({ id }) => from === 0 || id < from).toReversed();
  const items = left.slice(0, Math.min(limit, scanned));
  const last = items.at(-1);
  return { items, next: items.length === left.length ? null : (last?.id ?? 0), coveredTo: last?.at ?? 0 };
}

/** Reads all pages of all sources. @returns each page's items. */
function readAll(
  sources: readonly Stored[][],
  { order, limit, scanned }: { order: Order; limit: number; scanned: number },
): string[][] {
  const read: string[][] = [];
  let cursors: (number | null)[] = sources.map(() => 0);
  while (cursors.some((cursor) => cursor !== null)) {
    const pages = sources.map((stored, source): SourcePage<string> => {
      const from = cursors[source] ?? null;
      return from === null
        ? { items: [], next: null, coveredTo: 0 }
        : readPage(stored, { source, from, order, limit, scanned });
    });
    const before = cursors.map((cursor) =>
      cursor === 0 && order === "newest" ? Number.MAX_SAFE_INTEGER : cursor,
    );
    const merged = mergePages(pages, { limit, order, before });
    read.push(merged.items);
    cursors = merged.cursors;
    if (read.length > 1000) throw new Error("The pages do not end.");
  }
  return read;
}

describe("pages of several sources", () => {
  it("have every item once, each source's in its order, also where many were accepted at the same time", () => {
    const stored = fc.record({ at: fc.nat({ max: 4 }), place: fc.nat({ max: 3 }) });
    // A source is in order of time. Requests of the same time have places of their own.
    const source = fc.array(stored, { maxLength: 12 }).map((all) => all.toSorted((a, b) => a.at - b.at));
    fc.assert(
      fc.property(
        fc.array(source, { minLength: 1, maxLength: 4 }),
        fc.constantFrom<Order>("newest", "oldest"),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        (sources, order, limit, scanned) => {
          const pages = readAll(sources, { order, limit, scanned });
          const read = pages.flat();
          for (const [number, own] of sources.entries()) {
            const ids = own.map((_, index) => `${number}:${index + 1}`);
            expect(read.filter((item) => item.startsWith(`${number}:`))).toEqual(
              order === "oldest" ? ids : ids.toReversed(),
            );
          }
          expect(read).toHaveLength(sources.flat().length);
          for (const page of pages) expect(page.length).toBeLessThanOrEqual(limit);
        },
      ),
      { numRuns: 6 * Number(env.MODEL_RUNS), seed: Number(env.MODEL_SEED) || 1 },
    );
  });

  it("keep the order of a request whose events are in several sources, wherever pages end", () => {
    // Two requests of the same time, each with events in both sources.
    const sources = [
      [
        { at: 1, place: 0 },
        { at: 5, place: 1 },
        { at: 5, place: 3 },
      ],
      [
        { at: 5, place: 0 },
        { at: 5, place: 2 },
        { at: 6, place: 0 },
      ],
    ];
    const oldest = ["0:1", "1:1", "0:2", "1:2", "0:3", "1:3"];
    for (let limit = 1; limit <= 7; limit += 1) {
      for (let scanned = 1; scanned <= 7; scanned += 1) {
        expect(readAll(sources, { order: "oldest", limit, scanned }).flat()).toEqual(oldest);
        expect(readAll(sources, { order: "newest", limit, scanned }).flat()).toEqual(oldest.toReversed());
      }
    }
  });

  it("may be empty where a source was not read far enough, and go on behind it", () => {
    const behind: SourcePage<string> = { items: [], next: 7, coveredTo: 3 };
    const ahead: SourcePage<string> = {
      items: [{ id: 1, at: 3, place: 0, item: "ahead" }],
      next: null,
      coveredTo: 0,
    };
    const options = { limit: 5, order: "oldest" as const, before: [0, 0] };
    expect(mergePages([behind, ahead], options)).toEqual({ items: [], cursors: [7, 0] });
    expect(mergePages([{ ...behind, coveredTo: 4 }, ahead], options)).toEqual({
      items: ["ahead"],
      cursors: [7, null],
    });
  });
});
