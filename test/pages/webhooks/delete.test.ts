import { beforeEach, describe, expect, it } from "vitest";
import { api, makeWebhook, notifications } from "../../api";
import { stopClock } from "../../clock";
import { makeListener } from "../../event";
import { receiver } from "../../receiver";
import { follow, get, post } from "../page";
import { audited, deliver, reader, writer } from "./people";

beforeEach(stopClock);

async function isThere(uuid: string): Promise<boolean> {
  return (await api("GET", `${notifications}/subscribers/${uuid}`)).status === 200;
}

describe("the page that deletes a webhook", () => {
  it("says what is lost, and offers to pause it instead", async () => {
    receiver(() => new Response("", { status: 503 }));
    const { uuid } = await makeListener({ name: "Alerts" });
    await deliver(uuid, "failed");
    await deliver(uuid, "pending");
    const { html } = await get(`/webhooks/${uuid}/delete`, await writer());
    expect(html).toContain("<strong>2 deliveries</strong> not sent yet");
    expect(html).toContain(`action="/webhooks/${uuid}/pause"`);
  });

  it("deletes it once its name was typed", async () => {
    const { uuid } = await makeWebhook({ name: "Alerts" });
    const cookie = await writer();
    const answer = await post(`/webhooks/${uuid}/delete`, { name: " Alerts " }, { cookie });
    expect(answer.headers.get("Location")).toBe("/");
    expect((await follow(answer, cookie)).html).toContain("Alerts was deleted.");
    expect(await isThere(uuid)).toBe(false);
    expect((await audited())[0]).toBe("webhook.deleted");
    expect((await get(`/webhooks/${uuid}`, cookie)).status).toBe(404);
  });

  it.each(["", "alerts", "Alerts 2"])("deletes nothing for another name: %j", async (name) => {
    const { uuid } = await makeWebhook({ name: "Alerts" });
    const cookie = await writer();
    const { status, html } = await post(`/webhooks/${uuid}/delete`, { name }, { cookie });
    expect(status).toBe(400);
    expect(html).toContain("The name does not match. Type Alerts to confirm.");
    expect(html).toContain(`value="${name}"`);
    expect(await isThere(uuid)).toBe(true);
  });

  it.each([
    ["Two  blanks", "Two blanks"],
    ["A\ttab", "A tab"],
    ["A line\nbreak", "A line break"],
    ["A line\r\nbreak", "A line break"],
    ["A\u00a0fixed blank", "A fixed blank"],
    ["Cafe\u0301", "Caf\u00e9"],
    ["Caf\u00e9", "Cafe\u0301"],
    ["Two  blanks", "Two  blanks"],
  ])("takes a name as a page shows it and a keyboard types it: %j, typed %j", async (name, typed) => {
    const { uuid } = await makeWebhook({ name });
    const answer = await post(`/webhooks/${uuid}/delete`, { name: typed }, { cookie: await writer() });
    expect(answer.headers.get("Location")).toBe("/");
    expect(await isThere(uuid)).toBe(false);
  });

  it("does not take a name without the blank that it has", async () => {
    const { uuid } = await makeWebhook({ name: "A\ttab" });
    const answer = await post(`/webhooks/${uuid}/delete`, { name: "Atab" }, { cookie: await writer() });
    expect(answer.status).toBe(400);
    expect(await isThere(uuid)).toBe(true);
  });

  it("takes the host for a webhook without a name", async () => {
    const { uuid } = await makeWebhook({ name: "" });
    const cookie = await writer();
    expect((await get(`/webhooks/${uuid}/delete`, cookie)).html).toContain(
      "<strong>hooks.example.com</strong>",
    );
    await post(`/webhooks/${uuid}/delete`, { name: "hooks.example.com" }, { cookie });
    expect(await isThere(uuid)).toBe(false);
  });

  it("is not for readers", async () => {
    const { uuid } = await makeWebhook({ name: "Alerts" });
    const cookie = await reader();
    expect((await get(`/webhooks/${uuid}/delete`, cookie)).status).toBe(403);
    expect((await post(`/webhooks/${uuid}/delete`, { name: "Alerts" }, { cookie })).status).toBe(403);
    expect(await isThere(uuid)).toBe(true);
  });
});
