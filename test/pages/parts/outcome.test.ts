import { describe, expect, it } from "vitest";
import { makeWebhook } from "../../api";
import { cookieOf, follow, get, post } from "../page";
import { writer } from "../webhooks/people";

const sentence = "Paused. New deliveries are queued";

describe("the outcome of a form", () => {
  it("is shown on the page that the form leads to, and its cookie is gone then", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await writer();
    const page = await follow(await post(`/webhooks/${uuid}/pause`, {}, { cookie }), cookie);
    expect(page.html).toContain(sentence);
    expect(page.headers.get("Set-Cookie")).toMatch(/^__Host-outcome=; Max-Age=0;/);
    expect((await get(`/webhooks/${uuid}`, cookie)).html).not.toContain(sentence);
  });

  it("is left to the visit by a page that only brings itself up to date", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await writer();
    const answer = await post(`/webhooks/${uuid}/pause`, {}, { cookie });
    const both = `${cookie}; ${cookieOf(answer.headers)}`;
    const update = await get(`/webhooks/${uuid}`, both, { "X-Live": "1" });
    expect(update.html).not.toContain(sentence);
    expect(update.headers.get("Set-Cookie")).toBeNull();
    expect((await get(`/webhooks/${uuid}`, both)).html).toContain(sentence);
  });

  it("travels in a cookie that neither scripts nor other sites get", async () => {
    const { uuid } = await makeWebhook();
    const { headers } = await post(`/webhooks/${uuid}/pause`, {}, { cookie: await writer() });
    expect(headers.get("Location")).toBe(`/webhooks/${uuid}`);
    const set = headers.get("Set-Cookie") ?? "";
    for (const attribute of ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"]) {
      expect(set).toContain(attribute);
    }
  });

  it.each(["", "{", "null", '{"tone":"evil","text":"x"}', '{"tone":"good"}'])(
    "is nothing when the browser sends something else: %s",
    async (value) => {
      const { uuid } = await makeWebhook();
      const forged = `${await writer()}; __Host-outcome=${encodeURIComponent(value)}`;
      const { status, html } = await get(`/webhooks/${uuid}`, forged);
      expect(status).toBe(200);
      expect(html).not.toContain('class="notice');
    },
  );

  it("is text, whatever it says", async () => {
    const { uuid } = await makeWebhook();
    const value = JSON.stringify({ tone: "good", text: "<script>alert(1)</script>" });
    const forged = `${await writer()}; __Host-outcome=${encodeURIComponent(value)}`;
    const { html } = await get(`/webhooks/${uuid}`, forged);
    expect(html).toContain("&lt;script&gt;");
    expect(html).not.toContain("<script>alert");
  });
});
