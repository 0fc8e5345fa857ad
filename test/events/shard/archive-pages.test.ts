import { beforeEach, describe, expect, it, vi } from "vitest";
import { RoutingChanges } from "../../../src/events/shard/routing-changes";
import { passTime, stopClock } from "../../clock";
import { archive, event, list, matching, restart, route, shard, webhook } from "./event-shard";

const dayMs = 86_400_000;
const [projectUuid, jobUuid] = [crypto.randomUUID(), crypto.randomUUID()];

beforeEach(stopClock);
beforeEach(() => route());

/** Archives one event of each kind, a day apart: ids 1 to 4. @returns when each was accepted. */
async function archiveKinds(): Promise<number[]> {
  const times: number[] = [];
  for (const one of [
    event(),
    event({ projectUuid }),
    event({ projectUuid, jobUuid, type: "project:one-off-job:created" }),
    event({ type: "project:deleted" }),
  ]) {
    times.push(Date.now());
    await archive(one);
    passTime(dayMs);
  }
  await restart();
  return times;
}

describe("a list of events", () => {
  it("is limited to types, projects, jobs and times, across days", async () => {
    const [first = 0, second = 0, third = 0, fourth = 0] = await archiveKinds();
    for (const [limits, ids] of [
      [{}, [4, 3, 2, 1]],
      [{ type: "project:created" }, [2, 1]],
      [{ projectUuid }, [3, 2]],
      [{ projectUuid, jobUuid }, [3]],
      [{ projectUuid, type: "project:deleted" }, []],
      [{ since: second }, [4, 3, 2]],
      [{ since: second + 1 }, [4, 3]],
      [{ until: third }, [2, 1]],
      [{ until: third + 1 }, [3, 2, 1]],
      [{ since: second, until: fourth, type: "project:created" }, [2]],
      [{ since: fourth + 1 }, []],
      [{ until: first }, []],
      [{ since: third, until: second }, []],
    ] as const) {
      const { events, next, reachesBackTo } = await list({ ...limits, limit: 10 });
      expect(
        events.map(({ id }) => id),
        JSON.stringify(limits),
      ).toEqual(ids);
      expect({ next, reachesBackTo }).toEqual({ next: null, reachesBackTo: first });
    }
  });

  it("comes in pages that miss nothing and end, whatever is archived in between", async () => {
    await archiveKinds();
    const ids: number[] = [];
    let before: number | undefined;
    for (;;) {
      const page = await list({ limit: 1, ...(before === undefined ? {} : { before }) });
      ids.push(...page.events.map(({ id }) => id));
      await archive(event());
      if (page.next === null) break;
      before = page.next;
    }
    expect(ids).toEqual([4, 3, 2, 1]);
  });

  it("of a shard that has none says that it reaches back to nothing", async () => {
    expect(await list()).toEqual({ events: [], next: null, reachesBackTo: null });
    expect(await shard().completeSince()).toBe(0);
  });
});

describe("the events that a webhook matches", () => {
  const all = { after: 0, since: 0, until: Number.MAX_SAFE_INTEGER, limit: 10 };

  it("are those whose topic matches it now, oldest first, within the times, in pages", async () => {
    const [, second = 0, , fourth = 0] = await archiveKinds();
    route({
      match: ({ type }) => (type === "project:deleted" ? [webhook(2)] : [webhook(1), webhook(2)]),
    });
    const ofOne = await matching(1, all);
    expect(ofOne).toMatchObject({
      next: null,
      events: [
        { type: "project:created", projectUuid: null, maybeKnown: true },
        { type: "project:created", projectUuid, jobUuid: null, firstAcceptedAt: second },
        { type: "project:one-off-job:created", projectUuid, jobUuid },
      ],
    });
    expect(JSON.parse(ofOne?.events[0]?.body ?? "")).toMatchObject({ type: "project:created" });
    expect(await matching(3, all)).toEqual({ events: [], next: null });
    const within = await matching(2, { ...all, since: second, until: fourth });
    expect(within?.events.map(({ type }) => type)).toEqual([
      "project:created",
      "project:one-off-job:created",
    ]);
    const first = await matching(2, { ...all, limit: 3 });
    expect(first).toMatchObject({ events: [{}, {}, {}], next: 3 });
    expect(await matching(2, { ...all, after: first?.next ?? 0 })).toMatchObject({
      events: [{ type: "project:deleted" }],
      next: null,
    });
  });

  it("are not told while routing cannot be made current", async () => {
    await archive(event());
    vi.spyOn(RoutingChanges.prototype, "current").mockResolvedValue(false);
    expect(await matching(1, all)).toBeNull();
  });
});
