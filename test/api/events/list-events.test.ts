import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Answer, api } from "../../api";
import { passTime, stopClock } from "../../clock";
import { allPages } from "../../deliveries";
import { archiveAsBefore, makeEvent, makeEvents, publish, runShardAlarms } from "../../event";
import { shardStub } from "../../../src/events/shard/shard-of";
import { fillShard } from "../../events/shard/event-shard";

const project = "11111111-2222-4333-8444-555555555555";
const job = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

type Listed = {
  uuid: string;
  type: string;
  timestamp: string;
  project_uuid: string | null;
  job_uuid: string | null;
  accepted_at: string;
};
type EventsAnswer = {
  events: Listed[];
  next_cursor: string | null;
  reaches_back_to: string | null;
  unavailable_shards: number[];
  message?: string;
};

beforeEach(stopClock);

function listEvents(query = ""): Promise<Answer<EventsAnswer>> {
  return api("GET", `/api/events${query}`);
}

/** The uuids of the first page, newest first. */
async function uuidsOf(query: string): Promise<string[]> {
  return (await listEvents(query)).body.events.map(({ uuid }) => uuid);
}

const uuids = (events: { uuid: string }[]): string[] => events.map(({ uuid }) => uuid);

describe("GET /api/events", () => {
  it("is empty at first, and reaches back to nothing", async () => {
    const { status, body } = await listEvents();
    expect(status).toBe(200);
    expect(body).toEqual({
      events: [],
      next_cursor: null,
      reaches_back_to: null,
      unavailable_shards: [],
    });
  });

  it("gives events newest first, each with exactly the fields of the contract", async () => {
    const plain = makeEvent();
    const ofJob = makeEvent({
      type: "project:cron-job:failed",
      project: { uuid: project, job: { uuid: job } },
    });
    await publish(plain);
    passTime(1500);
    await publish(ofJob);
    expect((await listEvents()).body).toEqual({
      events: [
        {
          uuid: ofJob.uuid,
          type: "project:cron-job:failed",
          timestamp: "2022-06-02 16:12:25.242592+00:00",
          project_uuid: project,
          job_uuid: job,
          accepted_at: "2040-01-01T00:00:01.500Z",
        },
        {
          uuid: plain.uuid,
          type: "project:created",
          timestamp: "2022-06-02 16:12:25.242592+00:00",
          project_uuid: null,
          job_uuid: null,
          accepted_at: "2040-01-01T00:00:00.000Z",
        },
      ],
      next_cursor: null,
      reaches_back_to: "2040-01-01T00:00:00.000Z",
      unavailable_shards: [],
    });
  });

  it("names a shard that does not answer, and the next page has what it lacked", async () => {
    const events = makeEvents(20);
    await publish(events);
    const getByName = env.SHARDS.getByName.bind(env.SHARDS);
    const gone = vi.spyOn(env.SHARDS, "getByName").mockImplementation((name) => {
      if (name === "shard-1") throw new Error("The shard is gone.");
      return getByName(name);
    });
    const { status, body } = await listEvents("?limit=100");
    expect(status).toBe(200);
    expect(body.unavailable_shards).toEqual([1]);
    expect(body.events.length).toBeLessThan(20);
    gone.mockRestore();
    const next = (await listEvents(`?limit=100&cursor=${body.next_cursor}`)).body;
    expect(next.unavailable_shards).toEqual([]);
    expect([...uuids(body.events), ...uuids(next.events)].toSorted()).toEqual(uuids(events).toSorted());
    expect(next.next_cursor).toBeNull();
  });

  it("needs a token", async () => {
    expect((await api("GET", "/api/events", undefined, { token: null })).status).toBe(401);
  });
});

describe("the pages of the archive", () => {
  it("end with a null, also where the last one is full", async () => {
    const events = makeEvents(4);
    await publish(events);
    const newestFirst = uuids(events).toReversed();
    const pages = async (limit: number): Promise<string[][]> =>
      (await allPages<EventsAnswer>(`/api/events?limit=${limit}`)).map((page) => uuids(page.events));
    expect(await pages(2)).toEqual([newestFirst.slice(0, 2), newestFirst.slice(2)]);
    expect(await pages(3)).toEqual([newestFirst.slice(0, 3), newestFirst.slice(3)]);
  });

  it("do not shift when events are added in between", async () => {
    const events = makeEvents(6);
    await publish(events.slice(0, 1));
    passTime(1);
    await publish(events.slice(1));
    const { next_cursor } = (await listEvents("?limit=2")).body;
    passTime(1);
    await publish(makeEvents(3));
    const { body } = await listEvents(`?limit=100&cursor=${next_cursor}`);
    expect(uuids(body.events)).toEqual(uuids(events.slice(0, 4)).toReversed());
    expect(body.next_cursor).toBeNull();
  });

  it("are in order of acceptance whatever their size, also among the events of one request", async () => {
    const published: string[] = [];
    for (const count of [1, 30, 7, 1, 60]) {
      const events = makeEvents(count);
      await publish(events);
      published.push(...uuids(events));
      passTime(1);
    }
    for (const limit of [1, 7, 50, 100]) {
      const pages = await allPages<EventsAnswer>(`/api/events?limit=${limit}`);
      expect(pages.flatMap((page) => uuids(page.events))).toEqual(published.toReversed());
    }
  });

  it("find what is rare in a large archive, over pages that may be empty", async () => {
    const rare = makeEvent({ type: "project:deleted" });
    await publish(rare);
    for (let shard = 0; shard < Number(env.EVENT_SHARDS); shard += 1) await fillShard(shard, 20_001);
    const pages = await allPages<EventsAnswer>("/api/events?type=project:deleted");
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flatMap((page) => uuids(page.events))).toEqual([rare.uuid]);
  });

  it("go on into what was archived before there were shards", async () => {
    const before = makeEvents(5);
    await archiveAsBefore(before.slice(0, 2));
    passTime(1000);
    await archiveAsBefore(before.slice(2));
    passTime(1000);
    const after = makeEvents(5);
    await publish(after);
    const newestFirst = uuids([...before, ...after]).toReversed();
    for (const limit of [1, 3, 100]) {
      const pages = await allPages<EventsAnswer>(`/api/events?limit=${limit}`);
      expect(pages.flatMap((page) => uuids(page.events))).toEqual(newestFirst);
    }
    expect((await listEvents()).body.reaches_back_to).toBe("2040-01-01T00:00:00.000Z");
  });
});

it("the archive reaches back to where no shard has lost an event", async () => {
  const gigabytes = env.ARCHIVE_GIGABYTES;
  Object.assign(env, { ARCHIVE_GIGABYTES: "0.000001" });
  try {
    await publish(makeEvents(40));
    // Each shard begins a new table.
    await runShardAlarms();
    passTime(1000);
    await publish(makeEvents(40));
    expect((await listEvents()).body.reaches_back_to).toBe("2040-01-01T00:00:00.000Z");
    await runDurableObjectAlarm(shardStub(env, 0));
    const { events, reaches_back_to } = (await listEvents("?limit=100")).body;
    expect(events.length).toBeGreaterThan(40);
    expect(events.at(-1)?.accepted_at).toBe("2040-01-01T00:00:00.000Z");
    expect(reaches_back_to).toBe("2040-01-01T00:00:00.001Z");
  } finally {
    Object.assign(env, { ARCHIVE_GIGABYTES: gigabytes });
  }
});

describe("the filters of the archive", () => {
  it("find events by type, project and job, and by all of them", async () => {
    const other = makeEvent();
    const ofProject = makeEvent({ project: { uuid: project } });
    const ofJob = makeEvent({
      type: "project:cron-job:failed",
      project: { uuid: project, job: { uuid: job } },
    });
    await publish([other, ofProject, ofJob]);
    expect(await uuidsOf("?type=project:created")).toEqual([ofProject.uuid, other.uuid]);
    expect(await uuidsOf(`?project_uuid=${project}`)).toEqual([ofJob.uuid, ofProject.uuid]);
    expect(await uuidsOf(`?job_uuid=${job.toUpperCase()}`)).toEqual([ofJob.uuid]);
    expect(await uuidsOf(`?type=project:created&project_uuid=${project.toUpperCase()}`)).toEqual([
      ofProject.uuid,
    ]);
    expect(await uuidsOf("?type=x")).toEqual([]);
    expect(await uuidsOf("?type=&project_uuid=&job_uuid=&since=&until=&limit=&cursor=")).toHaveLength(3);
  });

  it("find events by the time of their acceptance: since is included, until is not", async () => {
    const events = makeEvents(4);
    for (const event of events) {
      await publish(event);
      passTime(1000);
    }
    const [first, second, third, fourth] = uuids(events);
    expect(await uuidsOf("?since=2040-01-01T00:00:02Z")).toEqual([fourth, third]);
    expect(await uuidsOf("?until=2040-01-01T00:00:02Z")).toEqual([second, first]);
    expect(await uuidsOf("?since=2040-01-01T00:00:01Z&until=2040-01-01T00:00:03Z")).toEqual([third, second]);
  });

  it("end the list at since: nothing that is older is looked for", async () => {
    await publish(makeEvents(3));
    passTime(120_000);
    const since = new Date().toISOString();
    await publish(makeEvents(2));
    const { body } = await listEvents(`?limit=2&since=${since}`);
    expect(body.events).toHaveLength(2);
    expect(body.next_cursor).toBeNull();
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["cursor=x", "cursor"],
    ["since=x", "since"],
    ["until=x", "until"],
    ["type=a&type=b", "type"],
    ["project_uuid=a&project_uuid=b", "project_uuid"],
  ])("are refused, and named, when they cannot be: %s", async (query, name) => {
    const { status, body } = await listEvents(`?${query}`);
    expect(status).toBe(400);
    expect(body.message).toMatch(new RegExp(`^${name}: must be`));
  });
});
