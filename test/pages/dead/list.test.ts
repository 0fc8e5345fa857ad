import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, notifications } from "../../api";
import { stopClock } from "../../clock";
import { deliveryAt } from "../../deliveries";
import { laneOf } from "../../lane";
import { get } from "../page";
import { reader, writer } from "../webhooks/people";
import { deadReceiver, die, makeImpatient, words } from "./dead-letters";

beforeEach(stopClock);

/** The letters that can be selected, in their order. */
function checkboxes(html: string): string[] {
  return [...html.matchAll(/type="checkbox" name="letter" value="([^"]*)"/g)].map(([, value = ""]) => value);
}

describe("GET /dead", () => {
  it("says what a dead letter is when there is none, and how long they are kept", async () => {
    const { status, html } = await get("/dead", await writer());
    expect(status).toBe(200);
    expect(html).toContain("No dead letters</h2>");
    expect(html).toContain("90 days");
    expect(html).not.toContain('action="/dead/replay"');
  });

  it("lists each webhook's dead letters, newest first, with what they say, last attempt and last error", async () => {
    deadReceiver();
    const [one, other] = [await makeImpatient("<i>First</i>"), await makeImpatient("")];
    await die(2, [one, other]);
    const { status, html } = await get("/dead", await writer());
    expect(status).toBe(200);
    expect(html.match(/<h1/g)).toHaveLength(1);
    expect(checkboxes(html)).toEqual([
      `${one.uuid}:2`,
      `${one.uuid}:1`,
      `${other.uuid}:2`,
      `${other.uuid}:1`,
    ]);
    expect(words(html)).toContain("4 dead letters of 2 webhooks.");
    expect(words(html)).toMatch(/&lt;i&gt;First&lt;\/i&gt; hooks\.example\.com · 2 dead letters/);
    expect(words(html)).toMatch(
      /#2 of hooks\.example\.com A project was created project:created .* ago The .*500.* Resend #2 of hooks/,
    );
    const { uuid } = await deliveryAt(one.uuid, 2);
    expect(html).toContain(`href="/webhooks/${one.uuid}/deliveries/${uuid}"`);
    expect(html).not.toMatch(/<script(?! type="module" src="\/)|<style| style=| on[a-z]+=/);
  });

  it("shows readers the dead letters without a way to replay them", async () => {
    deadReceiver();
    await die(1, [await makeImpatient("Alerts")]);
    const { html } = await get("/dead", await reader());
    expect(html).toContain("#1");
    expect(html.slice(html.indexOf("<main"))).not.toMatch(/<form|<input|<button|dead\/replay/);
  });

  it("shows 10 dead letters of each webhook, and links to a paged list of all", async () => {
    deadReceiver();
    const webhook = await makeImpatient("Alerts");
    await die(55, [webhook]);
    const cookie = await writer();
    const { html } = await get("/dead", cookie);
    expect(checkboxes(html)).toHaveLength(10);
    expect(html).toContain(`href="/dead?webhook=${webhook.uuid}"`);
    const own = await get(`/dead?webhook=${webhook.uuid.toUpperCase()}`, cookie);
    expect(own.html).toContain("<h1>Dead letters of Alerts</h1>");
    expect(checkboxes(own.html)).toHaveLength(50);
    const [, older = ""] = /href="(\/dead\?webhook=[^"]*cursor=\d+)"/.exec(own.html) ?? [];
    const last = await get(older.replaceAll("&amp;", "&"), cookie);
    expect(checkboxes(last.html)).toEqual([5, 4, 3, 2, 1].map((sequence) => `${webhook.uuid}:${sequence}`));
    expect(last.html).not.toContain("cursor=");
  });

  it("asks 10 lanes at most, and leads on to the other webhooks", async () => {
    deadReceiver();
    const webhooks = [];
    for (let i = 1; i <= 11; i++) webhooks.push(await makeImpatient(`Number ${i}.`));
    await die(1, webhooks);
    const cookie = await writer();
    const asked = vi.spyOn(env.LANES, "getByName");
    const { html } = await get("/dead", cookie);
    expect(asked).toHaveBeenCalledTimes(10);
    expect(html).not.toContain("Number 11.");
    const [, next = ""] = /href="(\/dead\?after=\d+)"/.exec(html) ?? [];
    const second = (await get(next, cookie)).html;
    expect(second).toContain("Number 11.");
    expect(second).not.toContain("Number 1.");
    expect(second).toContain("First page");
    expect(second).not.toContain("Next page");
  });

  it("goes by what lanes have, where D1 has an older count", async () => {
    const { answerWith } = deadReceiver();
    const webhook = await makeImpatient("Alerts");
    await die(1, [webhook]);
    answerWith(200);
    await laneOf(webhook.uuid).replayDead();
    await vi.waitFor(async () => expect((await laneOf(webhook.uuid).stats())?.counts.dead).toBe(0));
    await env.DB.prepare("UPDATE webhooks SET dead_letters = 1").run();
    expect((await get("/dead", await writer())).html).toContain("No dead letters</h2>");
  });

  it("stands where a lane fails, with the others", async () => {
    deadReceiver();
    const [broken, other] = [await makeImpatient("Broken"), await makeImpatient("Other")];
    await die(1, [broken, other]);
    const cookie = await writer();
    vi.spyOn(env.LANES, "getByName").mockImplementation((name) => {
      if (name === broken.uuid) throw new Error("This lane is broken.");
      return laneOf(name);
    });
    const { status, html } = await get("/dead", cookie);
    expect(status).toBe(200);
    expect(html).toContain("Dead letters are unavailable right now.");
    expect(checkboxes(html)).toEqual([`${other.uuid}:1`]);
  });

  it("says that a paused webhook sends nothing yet", async () => {
    deadReceiver();
    const webhook = await makeImpatient("Alerts");
    await die(1, [webhook]);
    await api("POST", `${notifications}/subscribers/${webhook.uuid}/pause`);
    expect((await get("/dead", await writer())).html).toContain("This webhook is paused: replays wait");
  });

  it("of an unknown webhook is a 404", async () => {
    const { status, html } = await get(`/dead?webhook=${crypto.randomUUID()}`, await reader());
    expect(status).toBe(404);
    expect(html).toContain("Webhook not found.");
  });
});
