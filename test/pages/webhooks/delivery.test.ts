import { EventShard } from "../../../src/events/shard/event-shard";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { makeWebhook } from "../../api";
import { stopClock } from "../../clock";
import { deliveriesOf, deliveryAt } from "../../deliveries";
import { makeListener } from "../../event";
import { runAlarm } from "../../lane";
import { hand, times } from "../../lane/lane-traffic";
import { receiver } from "../../receiver";
import { formatBody } from "../../../src/pages/webhooks/sent-request";
import { follow, get, missingParts, post } from "../page";
import { audited, deliver, reader, writer } from "./people";

beforeEach(stopClock);

/** A delivery that a receiver has answered with this, and the path of its page. */
async function delivered(status: number, answer = ""): Promise<{ uuid: string; path: string }> {
  receiver(() => new Response(answer, { status, headers: { "X-Reason": "<i>maintenance</i>" } }));
  const { uuid } = await makeListener({ name: "Alerts" });
  const delivery = await deliver(uuid, status === 200 ? "delivered" : "failed");
  return { uuid, path: `/webhooks/${uuid}/deliveries/${delivery.uuid}` };
}

describe("GET /webhooks/{uuid}/deliveries/{delivery}", () => {
  it("shows the request, formatted and raw, and the response", async () => {
    const { path } = await delivered(503, "out of order");
    const { status, html } = await get(path, await reader());
    expect(status).toBe(200);
    expect(html).toContain("<title>Delivery #1 of Alerts · Orchest webhooks</title>");
    expect(html.match(/<h1/g)).toHaveLength(1);
    expect(html).toContain("Attempt 1");
    expect(html).toContain("The receiver answered 503 Service Unavailable: “out of order”");
    expect(html).toMatch(/<\/time>, [\d.]+ m?s/);
    expect(html).toContain("out of order");
    expect(html.toLowerCase()).toContain("<dt>x-hub-signature</dt>");
    expect(html).toContain("{&quot;delivered_for&quot;:{");
    expect(html).toContain("{\n &quot;delivered_for&quot;: {\n");
    expect(html).not.toMatch(/path-is-secret|a-secret-of-the-webhook/);
  });

  it("has all the parts that its scripts take over", async () => {
    const { uuid, path } = await delivered(503);
    for (const cookie of [await reader(), await writer()]) {
      const { html } = await get(path, cookie);
      expect(html).toContain(`data-live="/webhooks/${uuid}/live"`);
      expect(missingParts(html)).toEqual([]);
    }
  });

  it("shows HTML that a receiver answers as text", async () => {
    const { path } = await delivered(503, "</pre><script>alert(1)</script><img src=x onerror=alert(1)>");
    const { html } = await get(path, await reader());
    expect(html).toContain("&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).toContain("&lt;i&gt;maintenance&lt;/i&gt;");
    expect(html).not.toMatch(/<script>|<img src=x|<i>/);
  });

  it("says when there was no response", async () => {
    receiver(() => Promise.reject(new Error("connection refused")));
    const { uuid } = await makeListener();
    const delivery = await deliver(uuid, "failed");
    const { html } = await get(`/webhooks/${uuid}/deliveries/${delivery.uuid}`, await reader());
    expect(html).toContain("No response</span>");
    expect(html).toContain("The connection failed: nothing listens there");
  });

  it("says that nothing was sent yet", async () => {
    receiver();
    const { uuid } = await makeListener();
    const cookie = await writer();
    await post(`/webhooks/${uuid}/pause`, {}, { cookie });
    const delivery = await deliver(uuid, "pending");
    const { html } = await get(`/webhooks/${uuid}/deliveries/${delivery.uuid}`, cookie);
    expect(html).toContain("No attempts yet.");
    expect(html).toContain("No request yet.");
  });

  it("says in a page that there is none", async () => {
    const { uuid, path } = await delivered(200);
    const other = await makeWebhook();
    const cookie = await writer();
    const unknown = [
      `${path.slice(0, -1)}2`,
      `/webhooks/${uuid}/deliveries/nonsense`,
      path.replace(`/webhooks/${uuid}`, `/webhooks/${other.uuid}`),
    ];
    for (const one of unknown) {
      const { status, html } = await get(one, cookie);
      expect(status).toBe(404);
      expect(html).toContain("Delivery not found.");
      expect((await post(`${one}/redeliver`, {}, { cookie })).status).toBe(404);
    }
  });
});

describe("a delivery of a digest", () => {
  it("leads to the one whose message carried it, and that one to it, from the log, too", async () => {
    receiver();
    const url = "https://acme.cloud.mattermost.com/hooks/x";
    const { uuid } = await makeListener({ url, digest_s: 60 });
    await hand(uuid, times(13));
    await runAlarm(uuid, 60_000);
    const [head, , third] = await deliveriesOf(uuid);
    const path = (one?: { uuid: string }): string => `/webhooks/${uuid}/deliveries/${one?.uuid ?? ""}`;
    const cookie = await reader();
    const carried = (await get(path(third), cookie)).html;
    expect(carried).toContain(`Sent in the message of</dt><dd><a href="${path(head)}">#1</a>`);
    expect(carried).toContain("No attempts of its own");
    expect(carried).toContain("No request of its own");
    const carrier = (await get(path(head), cookie)).html;
    expect(carrier).toContain(`<a href="${path(third)}">#3</a>`);
    expect(carrier).toContain("#11</a> and 2 more");
    expect(carrier).toContain("13 projects were created");
    const log = (await get(`/webhooks/${uuid}`, cookie)).html;
    expect(log.split(`With <a href="${path(head)}">#1</a>`)).toHaveLength(13);
  });
});

describe("a delivery's event", () => {
  it("is linked, and its other deliveries are, with what became of them", async () => {
    receiver();
    const other = await makeListener({ name: "Other" });
    const { uuid, path } = await delivered(200);
    const [theirs] = await vi.waitFor(async () => {
      const found = await deliveriesOf(other.uuid, "?status=delivered");
      expect(found).toHaveLength(1);
      return found;
    });
    const { html } = await get(path, await reader());
    expect(html).toContain(`href="/events/${theirs?.event_uuid}"`);
    expect(html).toContain(`<a href="/webhooks/${other.uuid}/deliveries/${theirs?.uuid}">#1 of Other</a>`);
    expect(html.slice(html.indexOf("others-title"))).not.toContain(uuid);
  });

  it("has no others when no other webhook is subscribed", async () => {
    const { path } = await delivered(200);
    expect((await get(path, await reader())).html).toContain("No other webhook received this event.");
  });

  it("may be gone from the archive, and the page says so", async () => {
    const { path } = await delivered(200);
    const cookie = await reader();
    vi.spyOn(EventShard.prototype, "find").mockResolvedValue(null);
    expect((await get(path, cookie)).html).toContain("the event is no longer in the archive");
  });

  it("is not asked for by a page that brings itself up to date", async () => {
    const { path } = await delivered(200);
    const cookie = await reader();
    expect((await get(path, cookie, { "X-Live": "1" })).html).not.toContain("others-title");
  });
});

describe("the forms of a delivery", () => {
  it("send it again, and say so", async () => {
    const { uuid, path } = await delivered(200);
    const cookie = await writer();
    const { html } = await get(path, cookie);
    expect(html).toContain(`action="${path}/redeliver"`);
    expect(html).not.toContain("Give up");
    const answer = await post(`${path}/redeliver`, {}, { cookie });
    expect(answer.status).toBe(303);
    expect((await follow(answer, cookie)).html).toContain("Resending.");
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).attempts_made).toBe(2));
    expect((await audited())[0]).toBe("delivery.redelivered");
  });

  it("give it up, once that is confirmed", async () => {
    const { uuid, path } = await delivered(503);
    const cookie = await writer();
    expect((await get(path, cookie)).html).toMatch(/<input type="checkbox" name="confirmed"[^>]* required/);

    const unconfirmed = await post(`${path}/skip`, {}, { cookie });
    expect((await follow(unconfirmed, cookie)).html).toContain("select the checkbox");
    expect((await deliveryAt(uuid, 1)).status).toBe("failed");

    const confirmed = await post(`${path}/skip`, { confirmed: "yes" }, { cookie });
    expect(confirmed.status).toBe(303);
    expect((await deliveryAt(uuid, 1)).status).toBe("dead");
    const { html } = await follow(confirmed, cookie);
    expect(html).toContain("The delivery was given up");
    expect(html).not.toContain("Give up");
    expect((await audited())[0]).toBe("delivery.skipped");
  });

  it("say why something is refused, in a sentence, and write nothing into the audit log", async () => {
    const { uuid, path } = await delivered(503);
    const cookie = await writer();
    const second = await deliver(uuid, "pending");
    const say = async (form: string): Promise<string> => {
      const answer = await post(form, { confirmed: "yes" }, { cookie });
      return (await follow(answer, cookie)).html;
    };
    expect(await say(`/webhooks/${uuid}/deliveries/${second.uuid}/redeliver`)).toContain(
      "The delivery is blocked by an earlier one",
    );
    expect((await audited())[0]).toBe("session.started");
    await post(`${path}/skip`, { confirmed: "yes" }, { cookie });
    expect(await say(`${path}/skip`)).toContain("The delivery is already finished");
    await post(`/webhooks/${uuid}/pause`, {}, { cookie });
    expect(await say(`${path}/redeliver`)).toContain("Resume it first");
  });

  it("are not offered to readers, and refused to them", async () => {
    const { uuid, path } = await delivered(503);
    const cookie = await reader();
    const { html } = await get(path, cookie);
    expect(html.slice(html.indexOf("<main"))).not.toContain("<form");
    expect((await post(`${path}/redeliver`, {}, { cookie })).status).toBe(403);
    expect((await post(`${path}/skip`, { confirmed: "yes" }, { cookie })).status).toBe(403);
    expect((await deliveryAt(uuid, 1)).status).toBe("failed");
  });
});

describe("a formatted body", () => {
  it("keeps numbers as they were written", () => {
    expect(formatBody('{"a":1.0,"b":9007199254740993}')).toBe('{\n "a": 1.0,\n "b": 9007199254740993\n}');
  });

  it("has a form's fields one under the other, with JSON in them over lines", () => {
    const form = new URLSearchParams({ delivered_for: '{"a":1}', event: "x y" }).toString();
    expect(formatBody(form)).toBe('delivered_for: {\n "a": 1\n}\n\nevent: x y');
  });
});
