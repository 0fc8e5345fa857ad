import { env } from "cloudflare:workers";
import { listEvents } from "../../../src/events/list-events";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { stopClock } from "../../clock";
import { deliveryAt } from "../../deliveries";
import { makeEvent, makeListener, publish } from "../../event";
import { laneOf, runAlarm } from "../../lane";
import { receiver } from "../../receiver";
import { makeUsedToken } from "../../tokens";
import { get, signIn } from "../page";
import { deliver, reader, writer } from "../webhooks/people";
import { publisher, words } from "./publisher";

beforeEach(stopClock);

describe("GET /events/{uuid}", () => {
  it("shows the payload formatted and raw, digit for digit, with its project and job", async () => {
    const { uuid } = makeEvent();
    const project = { uuid: "aaaaaaaa-0000-4000-8000-000000000001", name: "<b>Churn</b>" };
    const rest = JSON.stringify(makeEvent({ uuid, project })).slice(1);
    await publish(`{"exact": [1.0, 12345678901234567890],${rest}`);
    const { status, html } = await get(`/events/${uuid.toUpperCase()}`, await reader());
    expect(status).toBe(200);
    expect(html).toContain("<title>Event project:created · Orchest webhooks</title>");
    expect(html.match(/<h1/g)).toHaveLength(1);
    expect(html).toContain("{\n &quot;exact&quot;: [\n  1.0,\n  12345678901234567890\n ]");
    expect(html).toContain("{&quot;exact&quot;: [1.0, 12345678901234567890],&quot;uuid&quot;");
    expect(html).toContain("&lt;b&gt;Churn&lt;/b&gt;");
    expect(html).not.toContain("<b>");
    expect(words(html)).toContain("Timestamp 2022-06-02 16:12:25.242592+00:00");
    expect(html).toContain(`href="/events?project=${project.uuid}"`);
  });

  it("shows its delivery to each webhook, with its status, the reason of a failure, and a link", async () => {
    receiver(({ body }) => new Response(null, { status: body.includes('"name":"Good"') ? 200 : 503 }));
    const good = await makeListener({ name: "Good" });
    const bad = await makeListener({ name: "" });
    const { event_uuid: uuid } = await deliver(bad.uuid, "failed");
    await vi.waitFor(async () => expect((await deliveryAt(good.uuid, 1)).status).toBe("delivered"));
    const { html } = await get(`/events/${uuid}`, await reader());
    expect(words(html)).toMatch(/Good #1 Delivered 1 .* None .*hooks\.example\.com #1 Retrying 1 .* 503/);
    for (const webhook of [good, bad]) {
      const delivery = await deliveryAt(webhook.uuid, 1);
      expect(html).toContain(`href="/webhooks/${webhook.uuid}/deliveries/${delivery.uuid}"`);
    }
    expect(html).not.toContain("This list may be incomplete");
  });

  it("says in a sentence what happened, with a link into Orchest, to those who may read events", async () => {
    const job = { name: "Nightly", run: { number: 17 }, url_path: "/job?job_uuid=1" };
    const event = makeEvent({ type: "project:cron-job:run:failed", project: { name: "<i>Sales</i>", job } });
    await publish(event);
    vi.spyOn(env, "ORCHEST_URL", "get").mockReturnValue("https://orchest.example.com");
    const { html } = await get(`/events/${event.uuid}`, await reader());
    expect(html).toContain("Nightly failed in &lt;i&gt;Sales&lt;/i&gt;: run 17");
    expect(html).toContain('href="https://orchest.example.com/job?job_uuid=1"');
    const mayNotRead = await signIn((await makeUsedToken(["webhooks:read"])).token);
    const withoutTexts = await get(`/events/${event.uuid}`, mayNotRead);
    expect(withoutTexts.html).not.toContain("Nightly");
  });

  it("says that no webhook got it", async () => {
    const event = makeEvent();
    await publish(event);
    expect((await get(`/events/${event.uuid}`, await reader())).html).toContain("No webhook was subscribed");
  });

  it("keeps itself up to date while a new event is on its way, and no longer", async () => {
    receiver();
    const { uuid } = await makeListener();
    const cookie = await writer();
    await laneOf(uuid).pause();
    const { event_uuid: event } = await deliver(uuid, "pending");
    expect((await get(`/events/${event}`, cookie)).html).toContain('data-poll="event-deliveries"');
    await laneOf(uuid).resume();
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).status).toBe("delivered"));
    const { html } = await get(`/events/${event}`, cookie);
    expect(html).toContain('id="event-deliveries"');
    expect(html).not.toContain("data-poll");
  });

  it("stands where a lane fails, and says that there may be more", async () => {
    receiver();
    const { uuid } = await makeListener();
    const { event_uuid: event } = await deliver(uuid, "delivered");
    const cookie = await reader();
    vi.spyOn(env.LANES, "getByName").mockImplementation(() => {
      throw new Error("This lane is broken.");
    });
    const { status, html } = await get(`/events/${event}`, cookie);
    expect(status).toBe(200);
    expect(html).toContain("This list may be incomplete");
    expect(html).not.toContain("No webhook was subscribed");
  });

  it("does not wait for a lane that does not respond", async () => {
    receiver();
    const { uuid } = await makeListener();
    const { event_uuid: event } = await deliver(uuid, "delivered");
    const cookie = await reader();
    const hanging = new Proxy(laneOf(uuid), { get: () => () => new Promise(() => {}) });
    vi.spyOn(env.LANES, "getByName").mockReturnValue(hanging);
    vi.spyOn(scheduler, "wait").mockResolvedValue(undefined);
    expect((await get(`/events/${event}`, cookie)).html).toContain("This list may be incomplete");
  });

  it("offers to publish another one to those who may, and only of a type that can be published", async () => {
    receiver(() => new Response(null, { status: 410 }));
    const event = makeEvent();
    await publish(event);
    const like = `href="/events/new?like=${event.uuid}"`;
    expect((await get(`/events/${event.uuid}`, await publisher())).html).toContain(like);
    expect((await get(`/events/${event.uuid}`, await reader())).html).not.toContain("/events/new");
    const { uuid } = await makeListener();
    await deliver(uuid, "failed");
    // It tells of what it disabled.
    await runAlarm(uuid);
    const { events } = await listEvents(env, { type: "webhook:disabled", limit: 1 });
    const own = events[0]?.uuid;
    expect(own).toBeTypeOf("string");
    expect((await get(`/events/${own}`, await publisher())).html).not.toContain("/events/new");
  });

  it("of an event that is not in the archive is a page that says so", async () => {
    const { status, html } = await get(`/events/${crypto.randomUUID()}`, await reader());
    expect(status).toBe(404);
    expect(html).toContain("Event not found. It may have been deleted after its retention period.");
  });
});
