import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { passTime, stopClock } from "../../clock";
import { makeEvents, makeListener, publish } from "../../event";
import { laneOf, runAlarm, runAlarms } from "../../lane";
import { receiver } from "../../receiver";
import { fieldsOf } from "../form";
import { follow, get, post } from "../page";
import { audited, deliver, reader, writer } from "./people";

beforeEach(stopClock);

const since = "2039-12-31T00:00";

/** A webhook whose receiver has refused so many deliveries for good, and a switch for the receiver. */
async function withDeadLetters(count: number): Promise<{ uuid: string; answer: (status: number) => void }> {
  let status = 500;
  const { received } = receiver(() => new Response("", { status }));
  const { uuid } = await makeListener({ name: "Alerts", retry: { max_attempts: 1 } });
  await publish(makeEvents(count));
  await runAlarms(uuid, () => received.length === count);
  await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.counts.dead).toBe(count));
  return { uuid, answer: (next) => (status = next) };
}

async function start(uuid: string, fields: Record<string, string>, cookie: string): Promise<string> {
  const answer = await post(`/webhooks/${uuid}/replay`, fields, { cookie });
  expect(answer.status).toBe(303);
  return answer.headers.get("Location") ?? "";
}

function whenDone(path: string, cookie: string): Promise<string> {
  return vi.waitFor(async () => {
    const { html } = await get(path, cookie);
    expect(html).toContain("Done:");
    return html;
  });
}

describe("the form that starts a replay", () => {
  it("redirects to the progress, which ends with the result", async () => {
    const { uuid, answer } = await withDeadLetters(3);
    answer(200);
    const cookie = await writer();
    const path = await start(uuid, { kind: "dead", since, until: "" }, cookie);
    expect(path).toMatch(new RegExp(`^/webhooks/${uuid}/replays/[0-9a-f-]{36}$`));
    const html = await whenDone(path, cookie);
    expect(html).toContain("Done: 3 delivered.");
    expect(html).toContain('<progress aria-label="Replayed" aria-valuetext="3 of 3" value="3" max="3">');
    expect(html).not.toContain("data-poll");
    expect(html).not.toContain("http-equiv");
    expect((await audited())[0]).toBe("replay.started");
  });

  it("starts one replay when it is sent twice, says so, and writes it down once", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ name: "Alerts" });
    await deliver(uuid, "delivered");
    await deliver(uuid, "delivered");
    passTime(1);
    const cookie = await writer();
    const { html } = await get(`/webhooks/${uuid}/replay?kind=all`, cookie);
    const fields = Object.fromEntries(await fieldsOf(html, "replay-form"));
    fields["since"] = since;
    const first = await start(uuid, fields, cookie);
    expect(first).toBe(`/webhooks/${uuid}/replays/${fields["uuid"]}`);
    await whenDone(first, cookie);
    const second = await post(`/webhooks/${uuid}/replay`, fields, { cookie });
    expect(second.headers.get("Location")).toBe(first);
    expect((await follow(second, cookie)).html).toContain("This form already started the replay");
    expect(received).toHaveLength(4);
    expect((await audited()).filter((action) => action === "replay.started")).toHaveLength(1);
  });

  it.each(["all", "missing"])("starts one replay when it is sent twice at a moment: %s", async (kind) => {
    receiver();
    const { uuid } = await makeListener();
    await deliver(uuid, "delivered");
    const cookie = await writer();
    const fields = { uuid: crypto.randomUUID().toUpperCase(), kind, since };
    const [first, second] = await Promise.all([start(uuid, fields, cookie), start(uuid, fields, cookie)]);
    expect(first).toBe(`/webhooks/${uuid}/replays/${fields.uuid.toLowerCase()}`);
    expect(second).toBe(first);
    expect((await audited()).filter((action) => action === "replay.started")).toHaveLength(1);
  });

  it("starts another replay when it is opened anew", async () => {
    receiver();
    const { uuid } = await makeListener();
    const cookie = await writer();
    const ids = [];
    for (let time = 0; time < 2; time++) {
      const { html } = await get(`/webhooks/${uuid}/replay`, cookie);
      ids.push((await fieldsOf(html, "replay-form")).get("uuid"));
    }
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(ids[1]).not.toBe(ids[0]);
  });

  it.each(["", "nonsense", "0".repeat(36)])("makes a uuid of its own in place of %j", async (id) => {
    const { uuid } = await makeListener();
    const path = await start(uuid, { uuid: id, kind: "all", since }, await writer());
    expect(path).toMatch(/\/replays\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  it("keeps its uuid when it is refused, so that what was mended is sent once", async () => {
    const { uuid } = await makeListener();
    const id = crypto.randomUUID();
    const { html } = await post(
      `/webhooks/${uuid}/replay`,
      { uuid: id, since: "" },
      { cookie: await writer() },
    );
    expect((await fieldsOf(html, "replay-form")).get("uuid")).toBe(id);
  });

  it("says how many were given up again", async () => {
    const { uuid } = await withDeadLetters(2);
    const cookie = await writer();
    const path = await start(uuid, { kind: "dead", since }, cookie);
    for (let time = 0; time < 2; time++) await runAlarm(uuid);
    const html = await whenDone(path, cookie);
    expect(html).toContain("Done: 0 delivered, 2 dead again.");
    expect(html).toContain(`href="/webhooks/${uuid}?status=dead#log-title"`);
  });

  it("says when there was nothing to send", async () => {
    const { uuid } = await makeListener();
    const cookie = await writer();
    const path = await start(uuid, { kind: "missing", since }, cookie);
    await vi.waitFor(async () =>
      expect((await get(path, cookie)).html).toContain("There was nothing to replay."),
    );
  });

  it.each([
    [{ since: "" }, "Enter a start"],
    [{ since: "yesterday" }, "Enter a start"],
    [{ since, until: "tomorrow" }, "or enter an end"],
    [{ since, until: since }, "The end must be after the start."],
  ])("refuses %j in a sentence, keeps what was typed, and starts nothing", async (fields, sentence) => {
    const { uuid } = await makeListener();
    const cookie = await writer();
    const { status, html } = await post(`/webhooks/${uuid}/replay`, { kind: "all", ...fields }, { cookie });
    expect(status).toBe(400);
    expect(html).toContain(sentence);
    expect(html).toContain('value="all" checked=""');
    expect(html).toContain(`id="since"`);
    expect((await audited())[0]).toBe("session.started");
  });

  it("says from when on there is something, when what is asked for is no longer kept", async () => {
    receiver();
    const { uuid } = await makeListener();
    await deliver(uuid, "delivered");
    passTime(40 * 86_400_000);
    await laneOf(uuid).maintain();
    const cookie = await writer();
    const { status, html } = await post(`/webhooks/${uuid}/replay`, { kind: "all", since }, { cookie });
    expect(status).toBe(400);
    expect(html).toMatch(
      /Older deliveries are no longer kept: choose \d+ Jan 2040, \d\d:\d\d UTC or later\./,
    );
  });

  it("fills in what was chosen from the usual times", async () => {
    const { uuid } = await makeListener();
    const { html } = await get(`/webhooks/${uuid}/replay?hours=1`, await writer());
    expect(html).toContain('value="2039-12-31T23:00"');
  });

  it("has buttons for the usual times, which keep what was chosen to be sent", async () => {
    const { uuid } = await makeListener();
    const cookie = await writer();
    const { html } = await get(`/webhooks/${uuid}/replay?kind=missing`, cookie);
    const form = html.slice(
      html.indexOf('<form id="replay-form"'),
      html.indexOf("</form>", html.indexOf("replay-form")),
    );
    expect(form).toMatch(
      /<button class="button small quiet" type="submit" formmethod="get" formnovalidate="" name="hours" value="168">Last 7 days</,
    );
    // What a browser sends then: all of the fields, and the button.
    const query = new URLSearchParams([...(await fieldsOf(html, "replay-form")), ["hours", "168"]]);
    const next = (await get(`/webhooks/${uuid}/replay?${query.toString()}`, cookie)).html;
    expect(next).toContain('value="missing" checked=""');
    expect(next).toContain('value="2039-12-25T00:00"');
  });

  it("is sent, and asks for no other time, when Enter is pressed in a field", async () => {
    const { uuid } = await makeListener();
    const { html } = await get(`/webhooks/${uuid}/replay`, await writer());
    const form = html.slice(html.indexOf('<form id="replay-form"'));
    const [first = ""] = /<button[^>]*>/.exec(form) ?? [];
    expect(first).toContain('type="submit"');
    expect(first).not.toContain("formmethod");
  });

  it("is not for readers", async () => {
    const { uuid } = await makeListener();
    const cookie = await reader();
    expect((await get(`/webhooks/${uuid}/replay`, cookie)).status).toBe(403);
    expect((await post(`/webhooks/${uuid}/replay`, { kind: "all", since }, { cookie })).status).toBe(403);
  });
});

describe("the progress of a replay", () => {
  it("is asked for again while it runs, with scripts and without", async () => {
    const { uuid } = await withDeadLetters(2);
    const cookie = await writer();
    await post(`/webhooks/${uuid}/pause`, {}, { cookie });
    const path = await start(uuid, { kind: "dead", since }, cookie);
    const { html } = await get(path, cookie);
    expect(html).toContain('aria-valuetext="0 of 2" value="0" max="2"');
    expect(html).toContain('data-poll="replay-progress replay-end"');
    expect(html).toContain('<noscript><meta http-equiv="refresh" content="3"/></noscript>');
    expect(html).toContain("The webhook is paused: the replay continues when it is resumed.");
    for (const id of ["replay-progress", "replay-end"]) expect(html).toContain(`id="${id}"`);
  });

  it("says what blocks it", async () => {
    let status = 200;
    receiver(() => new Response("", { status }));
    const { uuid } = await makeListener();
    await deliver(uuid, "delivered");
    await deliver(uuid, "delivered");
    passTime(1);
    status = 503;
    const cookie = await writer();
    const path = await start(uuid, { kind: "all", since }, cookie);
    await vi.waitFor(async () =>
      expect((await get(path, cookie)).html).toContain(
        "The next delivery failed once and blocks the others.",
      ),
    );
    expect((await get(path, cookie)).html).toContain("0 of 2");
  });

  it("can be looked at by readers", async () => {
    const { uuid } = await withDeadLetters(1);
    const path = await start(uuid, { kind: "dead", since }, await writer());
    expect((await get(path, await reader())).status).toBe(200);
  });

  it("says in a page that there is none", async () => {
    const { uuid } = await makeListener();
    const { status, html } = await get(`/webhooks/${uuid}/replays/nonsense`, await reader());
    expect(status).toBe(404);
    expect(html).toContain("Replay not found.");
  });
});

/** A replay of two dead letters of a paused webhook. */
async function standing(): Promise<{ uuid: string; path: string; cookie: string }> {
  const { uuid } = await withDeadLetters(2);
  await laneOf(uuid).pause();
  const cookie = await writer();
  return { uuid, path: await start(uuid, { kind: "dead", since }, cookie), cookie };
}

describe("a running replay", () => {
  it("is stopped on its page, which says how far it came", async () => {
    const { path, cookie } = await standing();
    const action = `${path}/stop`;
    expect((await get(path, cookie)).html).toContain(`<form method="post" action="${action}">`);
    const answer = await post(action, {}, { cookie });
    expect(answer.headers.get("Location")).toBe(path);
    const { html } = await follow(answer, cookie);
    expect(html).toContain("Replay stopped after 0 of 2. Nothing more is sent.");
    expect(html).toContain("Stopped: 0 delivered, 2 not sent.");
    expect(html).not.toContain(action);
    expect(html).not.toContain("data-poll");
    expect((await audited())[0]).toBe("replay.stopped");
    expect((await follow(await post(action, {}, { cookie }), cookie)).html).toContain(
      "Replay stopped after 0",
    );
    expect((await audited()).filter((action) => action === "replay.stopped")).toHaveLength(1);
  });

  it("is on the webhook's page with its progress, and stopped there", async () => {
    const { uuid, path, cookie } = await standing();
    const { html } = await get(`/webhooks/${uuid}`, cookie);
    expect(html).toContain('aria-label="Replaying dead letters" aria-valuetext="0 of 2"');
    expect(html).toContain(`action="${path}/stop" data-in-place="outcome `);
    expect((await get(`/webhooks/${uuid}`, await reader())).html).not.toContain(`${path}/stop`);
    const answer = await post(`${path}/stop`, { back: "webhook" }, { cookie });
    expect(answer.headers.get("Location")).toBe(`/webhooks/${uuid}`);
    const after = await follow(answer, cookie);
    expect(after.html).toContain("Replay stopped after 0 of 2.");
    expect(after.html).not.toContain("Replaying dead letters");
  });

  it("is not stopped by readers, nor when it is done, nor when there is none", async () => {
    const { uuid, path, cookie } = await standing();
    expect((await post(`${path}/stop`, {}, { cookie: await reader() })).status).toBe(403);
    const none = `/webhooks/${uuid}/replays/${crypto.randomUUID()}/stop`;
    expect((await post(none, {}, { cookie })).status).toBe(404);
    await laneOf(uuid).resume();
    await runAlarms(uuid);
    await whenDone(path, cookie);
    const { html } = await follow(await post(`${path}/stop`, {}, { cookie }), cookie);
    expect(html).toContain("The replay had already finished.");
  });
});

describe("the form that replays", () => {
  it("shows how many deliveries of each kind there are, of the times in it", async () => {
    await publish(makeEvents(2));
    passTime(60_000);
    const { uuid } = await withDeadLetters(3);
    passTime(3_600_000);
    const cookie = await writer();
    const counted = async (query: string): Promise<string[]> => {
      const { html } = await get(`/webhooks/${uuid}/replay${query}`, cookie);
      return [...html.matchAll(/\((\d+\+?)\)/g)].map(([, number]) => number ?? "");
    };
    expect(await counted("")).toEqual(["3", "3", "2"]);
    expect(await counted("?hours=1")).toEqual(["0", "0", "0"]);
    const range = `?count=yes&kind=all&since=${since}&until=2040-01-01T00:01`;
    expect(await counted(range)).toEqual(["0", "0", "2"]);
    const { html } = await get(`/webhooks/${uuid}/replay${range}`, cookie);
    const fields = await fieldsOf(html, "replay-form");
    expect([fields.get("kind"), fields.get("since"), fields.get("until")]).toEqual([
      "all",
      since,
      "2040-01-01T00:01",
    ]);
    expect((await get(`/webhooks/${uuid}/replay?count=yes&since=x`, cookie)).html).toContain("Enter a start");
  });

  it("is there although its lane does not answer", async () => {
    const { uuid } = await makeListener();
    vi.spyOn(console, "warn").mockImplementation(() => {});
    vi.spyOn(env.LANES, "getByName").mockImplementation(() => {
      throw new Error("no lane");
    });
    const { status, html } = await get(`/webhooks/${uuid}/replay`, await writer());
    expect(status).toBe(200);
    expect(html).not.toMatch(/\(\d+\)/);
  });
});
