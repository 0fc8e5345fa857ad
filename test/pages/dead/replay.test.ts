import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { WebhookAnswer } from "../../api";
import { stopClock } from "../../clock";
import { laneOf, runAlarm } from "../../lane";
import { follow, get, origin, type Page, post } from "../page";
import { audited, reader, writer } from "../webhooks/people";
import { deadOf, deadReceiver, die, makeImpatient, words } from "./dead-letters";

beforeEach(stopClock);

/** Sends the form. */
async function send(fields: [string, string][], cookie: string): Promise<Page> {
  return post("/dead/replay", new URLSearchParams(fields), { cookie });
}

/** The page of the progress that a form led to, as soon as it says that it is done. */
async function whenDone(answer: Page, cookie: string): Promise<Page> {
  expect(answer.status).toBe(303);
  return vi.waitFor(async () => {
    const page = await follow(answer, cookie);
    expect(page.html).toContain("Done:");
    return page;
  });
}

async function two(count: number): Promise<{ one: WebhookAnswer; other: WebhookAnswer }> {
  const [one, other] = [await makeImpatient("One"), await makeImpatient("Other")];
  await die(count, [one, other]);
  return { one, other };
}

describe("POST /dead/replay", () => {
  it("resends the dead letter of a row, whatever is selected, and shows that it was delivered", async () => {
    const { answerWith, again } = deadReceiver();
    const { one, other } = await two(2);
    answerWith(200);
    const cookie = await writer();
    const answer = await send(
      [
        ["letter", `${other.uuid}:1`],
        ["one", `${one.uuid}:2`],
      ],
      cookie,
    );
    const { html } = await whenDone(answer, cookie);
    expect(words(html)).toContain("Done: 1 delivered.");
    expect(words(html)).toContain("1 of 1");
    expect(again()).toHaveLength(1);
    expect(await deadOf(one)).toEqual([1]);
    expect(await deadOf(other)).toEqual([2, 1]);
    expect((await get("/dead", cookie)).html).not.toContain(`value="${one.uuid}:2"`);
  });

  it("replays the selected ones of several webhooks, with a progress bar for each and one for all", async () => {
    const { answerWith, again } = deadReceiver();
    const { one, other } = await two(3);
    answerWith(200);
    const cookie = await writer();
    const letters = [`${one.uuid}:3`, `${one.uuid}:1`, `${other.uuid}:2`];
    const answer = await send(
      letters.map((letter): [string, string] => ["letter", letter]),
      cookie,
    );
    const { html } = await whenDone(answer, cookie);
    expect(words(html)).toMatch(/All 2 webhooks 3 of 3 .*One 2 of 2 2 delivered.*Other 1 of 1 1 delivered/);
    expect(again()).toHaveLength(3);
    expect([await deadOf(one), await deadOf(other)]).toEqual([[2], [3, 1]]);
    expect((await audited()).filter((action) => action === "replay.started")).toHaveLength(2);
  });

  it("keeps those that fail again in the list, and says so", async () => {
    const { answerWith } = deadReceiver();
    const webhook = await makeImpatient("Alerts");
    await die(2, [webhook]);
    answerWith(503);
    const cookie = await writer();
    const { html } = await whenDone(await send([["webhook", webhook.uuid]], cookie), cookie);
    expect(words(html)).toContain("Done: 0 delivered, 2 dead again.");
    expect(html).toContain(`href="/dead?webhook=${webhook.uuid}"`);
    expect(words((await get("/dead", cookie)).html)).toMatch(/#2 .*503.* #1 /);
  });

  it("sends all of a webhook at once where they are few, and asks where they are many", async () => {
    const { answerWith, again } = deadReceiver();
    const webhook = await makeImpatient("Alerts");
    await die(26, [webhook]);
    answerWith(200);
    const cookie = await writer();
    const asked = await send([["webhook", webhook.uuid]], cookie);
    expect(asked.headers.get("Location")).toBe(`/dead/replay?webhook=${webhook.uuid}`);
    expect(again()).toEqual([]);
    const question = await follow(asked, cookie);
    expect(question.html).toContain("Replay 26 dead letters of Alerts?");
    expect(question.html).toContain(`<input type="hidden" name="webhook" value="${webhook.uuid}"/>`);
    const confirmed: [string, string][] = [
      ["webhook", webhook.uuid],
      ["confirmed", "yes"],
    ];
    const { html } = await whenDone(await send(confirmed, cookie), cookie);
    expect(words(html)).toContain("26 of 26");
    expect(await deadOf(webhook)).toEqual([]);
    expect((await get("/dead", cookie)).html).toContain("No dead letters</h2>");
  });

  it("sends all of all webhooks, once that is confirmed", async () => {
    const { answerWith, again } = deadReceiver();
    const { one, other } = await two(2);
    answerWith(200);
    const cookie = await writer();
    const asked = await send([["all", "yes"]], cookie);
    expect(asked.headers.get("Location")).toBe("/dead/replay?all=yes");
    expect((await follow(asked, cookie)).html).toContain("Replay 4 dead letters of 2 webhooks?");
    expect(again()).toEqual([]);
    const confirmed: [string, string][] = [
      ["all", "yes"],
      ["confirmed", "yes"],
    ];
    await whenDone(await send(confirmed, cookie), cookie);
    expect([await deadOf(one), await deadOf(other)]).toEqual([[], []]);
  });

  it("sends to 50 webhooks at a go, and goes on with the others when asked", async () => {
    deadReceiver();
    const rows = Array.from({ length: 51 }, (_, index) => ({
      uuid: crypto.randomUUID(),
      name: `W${index + 1}.`,
    }));
    await env.DB.prepare(
      `INSERT INTO webhooks (uuid, name, origin, sealed, verify_ssl, content_type, dead_letters, created_at)
       SELECT value->>'uuid', value->>'name', 'https://example.com', '', 1, 'application/json', 1, 0 FROM json_each(?)`,
    )
      .bind(JSON.stringify(rows))
      .run();
    const asked: string[] = [];
    const cookie = await writer();
    vi.spyOn(env.LANES, "getByName").mockImplementation((name) => {
      asked.push(name);
      const lane = {
        replayDead: async () => ({ id: crypto.randomUUID(), queued: 1 }),
        replayProgress: async () => null,
      };
      return lane as unknown as ReturnType<typeof laneOf>;
    });
    expect((await get("/dead/replay?all=yes", cookie)).html).toContain("This replays the first 50 webhooks.");
    const first = await send(
      [
        ["all", "yes"],
        ["confirmed", "yes"],
      ],
      cookie,
    );
    expect(asked).toEqual(rows.slice(0, 50).map(({ uuid }) => uuid));
    expect((first.headers.get("Location") ?? "").length).toBeLessThan(4096);
    const { html } = await follow(first, cookie);
    const [, after = ""] = /name="after" value="(\d+)"/.exec(html) ?? [];
    asked.length = 0;
    await send(
      [
        ["all", "yes"],
        ["confirmed", "yes"],
        ["after", after],
      ],
      cookie,
    );
    expect(asked).toEqual([rows[50]?.uuid]);
  });

  it("waits with a paused webhook, says so, and goes on when it is resumed", async () => {
    const { answerWith, again } = deadReceiver();
    const webhook = await makeImpatient("Alerts");
    await die(1, [webhook]);
    await laneOf(webhook.uuid).pause();
    answerWith(200);
    const cookie = await writer();
    const answer = await send([["one", `${webhook.uuid}:1`]], cookie);
    const { html } = await follow(answer, cookie);
    expect(html).toContain("The webhook is paused: nothing is sent until it is resumed.");
    expect(html).toContain('data-poll="replays replays-end"');
    expect(html).toContain('<meta http-equiv="refresh"');
    expect(again()).toEqual([]);
    await laneOf(webhook.uuid).resume();
    const done = await whenDone(answer, cookie);
    expect(done.html).not.toMatch(/data-poll|http-equiv="refresh"/);
  });

  it("counts those out that had arrived before their turn came", async () => {
    const { answerWith } = deadReceiver();
    const webhook = await makeImpatient("Alerts");
    await die(2, [webhook]);
    await laneOf(webhook.uuid).pause();
    answerWith(200);
    const cookie = await writer();
    await send([["one", `${webhook.uuid}:1`]], cookie);
    const second = await send([["webhook", webhook.uuid]], cookie);
    await laneOf(webhook.uuid).resume();
    const { html } = await whenDone(second, cookie);
    expect(words(html)).toMatch(/Alerts 1 of 1 1 delivered, 1 already delivered\./);
  });

  it("shows a failed dead letter, and when its next attempt is", async () => {
    const { answerWith } = deadReceiver();
    const webhook = await makeImpatient("Alerts");
    await die(2, [webhook]);
    await env.DB.prepare("UPDATE webhooks SET retry_max_attempts = 3, version = version + 1").run();
    await runAlarm(webhook.uuid, 1);
    await laneOf(webhook.uuid).maintain();
    answerWith(503);
    const cookie = await writer();
    const answer = await send([["webhook", webhook.uuid]], cookie);
    await vi.waitFor(async () =>
      expect(words((await follow(answer, cookie)).html)).toMatch(
        /0 of 2 The next delivery failed once and blocks the others\. Next attempt in \d+ seconds?/,
      ),
    );
  });

  it("of nothing says that nothing was selected", async () => {
    const cookie = await writer();
    const answer = await send([], cookie);
    expect(answer.headers.get("Location")).toBe("/dead");
    expect((await follow(answer, cookie)).html).toContain("no dead letter was selected");
  });

  it("of dead letters that were delivered since says that there was nothing to replay", async () => {
    const { answerWith } = deadReceiver();
    const webhook = await makeImpatient("Alerts");
    await die(1, [webhook]);
    answerWith(200);
    const cookie = await writer();
    await whenDone(await send([["one", `${webhook.uuid}:1`]], cookie), cookie);
    const again = await follow(await send([["one", `${webhook.uuid}:1`]], cookie), cookie);
    expect(again.html).toContain("Nothing to replay");
    expect((await audited()).filter((action) => action === "replay.started")).toHaveLength(1);
  });

  it("says which part failed when a lane does not respond", async () => {
    const { answerWith } = deadReceiver();
    const { one, other } = await two(1);
    answerWith(200);
    const cookie = await writer();
    vi.spyOn(env.LANES, "getByName").mockImplementation((name) => {
      if (name === one.uuid) throw new Error("This lane is broken.");
      return laneOf(name);
    });
    const answer = await send(
      [
        ["all", "yes"],
        ["confirmed", "yes"],
      ],
      cookie,
    );
    expect((await follow(answer, cookie)).html).toContain("1 webhook could not be reached: try again.");
    await vi.waitFor(async () => expect(await deadOf(other)).toEqual([]));
  });

  it.each(["x", "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000001:0", "x:1"])(
    "of the invalid dead letter %j is a 400",
    async (letter) => {
      expect((await send([["letter", letter]], await writer())).status).toBe(400);
    },
  );

  it("makes no lane for a webhook that does not exist", async () => {
    const cookie = await writer();
    const asked = vi.spyOn(env.LANES, "getByName");
    const unknown = crypto.randomUUID();
    expect((await send([["webhook", unknown]], cookie)).status).toBe(404);
    expect((await send([["one", `${unknown}:1`]], cookie)).headers.get("Location")).toBe("/dead");
    expect((await get(`/dead/replays?of=${unknown}:${unknown}`, cookie)).html).toContain("Replay not found.");
    expect(asked).not.toHaveBeenCalled();
  });

  it("is refused to those who may only read, and to other sites", async () => {
    const cookie = await reader();
    expect((await send([["all", "yes"]], cookie)).status).toBe(403);
    expect((await get("/dead/replay?all=yes", cookie)).status).toBe(403);
    const foreign = { Origin: "https://elsewhere.test", "Sec-Fetch-Site": "cross-site" };
    const answer = await post("/dead/replay", { all: "yes" }, { cookie: await writer(), headers: foreign });
    expect(answer.status).toBe(403);
    expect(origin).not.toBe(foreign.Origin);
  });
});

describe("GET /dead/replay", () => {
  it.each(["all", "webhook"])(
    "leads back where there is nothing left to send, and says so: %s",
    async (what) => {
      const { answerWith } = deadReceiver();
      const webhook = await makeImpatient("Alerts");
      await die(1, [webhook]);
      const query = what === "all" ? "all=yes" : `webhook=${webhook.uuid}`;
      const cookie = await writer();
      expect((await get(`/dead/replay?${query}`, cookie)).html).toContain("Replay 1 dead letter of ");
      answerWith(200);
      await whenDone(await send([["one", `${webhook.uuid}:1`]], cookie), cookie);
      await runAlarm(webhook.uuid, 1);
      await laneOf(webhook.uuid).maintain();
      const answer = await get(`/dead/replay?${query}`, cookie);
      expect([answer.status, answer.headers.get("Location")]).toEqual([303, "/dead"]);
      expect((await follow(answer, cookie)).html).toContain("Nothing to replay");
    },
  );
});

describe("GET /dead/replays", () => {
  it("says of a replay that is no longer known that it is long done, and asks no more", async () => {
    deadReceiver();
    const webhook = await makeImpatient("Alerts");
    await die(1, [webhook]);
    const { html } = await get(`/dead/replays?of=${webhook.uuid}:${crypto.randomUUID()}`, await reader());
    expect(html).toContain("Alerts: this replay finished long ago.");
    expect(html).not.toMatch(/data-poll|Done:/);
  });

  it("keeps polling while a lane does not respond", async () => {
    deadReceiver();
    const webhook = await makeImpatient("Alerts");
    await die(1, [webhook]);
    const cookie = await reader();
    vi.spyOn(env.LANES, "getByName").mockImplementation(() => {
      throw new Error("This lane is broken.");
    });
    const { status, html } = await get(`/dead/replays?of=${webhook.uuid}:${crypto.randomUUID()}`, cookie);
    expect(status).toBe(200);
    expect(html).toContain("Progress is unavailable right now.");
    expect(html).toContain("data-poll");
  });

  it("shows nothing where the address names nothing", async () => {
    const { status, html } = await get("/dead/replays?of=x&of=y:z", await reader());
    expect(status).toBe(200);
    expect(html).toContain("Replay not found.");
  });
});
