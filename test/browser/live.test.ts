/** What scripts make livelier, in the hands of somebody who looks after webhooks. */
import type { Page } from "playwright-core";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createWebhook, makeEvent, publish, type Webhook } from "../flow/client.ts";
import { missing } from "./chromium.ts";
import { Site } from "./site.ts";

const type = "project:created";
let site: Site;

describe.skipIf(missing !== null)("a page brings itself up to date", () => {
  beforeAll(async () => {
    site = await Site.open();
    return () => site.close();
  });
  beforeEach(() => {
    site.receiver.answer = () => 200;
  });

  test("a test of the list shows its outcome in its row, with the reason when it fails, and leaves the page as it is", async () => {
    await make("Tested");
    const page = await site.visit("/");
    await mark(page);
    const row = page.getByRole("row", { name: "Tested" });
    await row.getByRole("button", { name: "Test" }).click();
    await row.getByText("The test ping was delivered").waitFor();
    site.receiver.answer = () => 503;
    await row.getByRole("button", { name: "Test" }).click();
    await row.getByText("The test ping was not delivered").waitFor();
    expect(await row.getByRole("status").textContent()).toContain("503");
    expect(await isMarked(page)).toBe(true);
  });

  test("the switch for failed job runs changes the subscriptions of all webhooks, in place", async () => {
    const webhook = await make("Switched");
    const page = await site.visit("/");
    await mark(page);
    const onOff = page.getByRole("switch", { name: "Notify me when a job run fails" });
    await onOff.click();
    await page.getByRole("switch", { checked: true }).waitFor();
    const row = page.getByRole("row", { name: webhook.name });
    await row.getByText("project:one-off-job:pipeline-run:failed").waitFor();
    await onOff.click();
    await page.getByRole("switch", { checked: false }).waitFor();
    await row.getByText("project:one-off-job:pipeline-run:failed").waitFor({ state: "detached" });
    await row.getByText(type).waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Undone: resubscribed").waitFor();
    await page.getByRole("switch", { checked: true }).waitFor();
    await row.getByText("project:one-off-job:pipeline-run:failed").waitFor();
    expect(await isMarked(page)).toBe(true);
  });

  test("a delivery's page follows its attempts", async () => {
    site.receiver.answer = () => 500;
    const webhook = await make("Followed");
    const page = await site.visit(`/webhooks/${webhook.uuid}`);
    await publish(site.gateway, makeEvent(type));
    await page.getByRole("link", { name: "#1", exact: true }).click();
    await page.locator("#delivery-status").getByText("Retrying").waitFor();
    site.receiver.answer = () => 200;
    // Nobody presses anything: its retry comes.
    await page.locator("#delivery-status").getByText("Delivered").waitFor();
  });

  test("a selected checkbox stays selected when the page refreshes itself", async () => {
    site.receiver.answer = () => 500;
    const webhook = await make("Selected");
    await publish(site.gateway, makeEvent(type));
    const page = await site.visit(`/webhooks/${webhook.uuid}`);
    await page.getByText("Give up delivery #1…").click();
    const checkbox = page.getByLabel("Stop retrying");
    await checkbox.check();
    await publish(site.gateway, makeEvent(type));
    await page.getByText("blocks 1 delivery").waitFor();
    expect(await checkbox.isChecked()).toBe(true);
  });

  test("dead letters are replayed with a progress bar that ends with the last delivery", async () => {
    site.receiver.answer = () => 500;
    const webhook = await make("Given up");
    await publish(site.gateway, makeEvent(type));
    const page = await site.visit(`/webhooks/${webhook.uuid}`);
    await page.getByText("Give up delivery #1…").click();
    await page.getByLabel("Stop retrying").check();
    await page.getByRole("button", { name: "Give up" }).click();
    await page.getByText("The delivery was given up").waitFor();

    const { promise: mended, resolve: mend } = Promise.withResolvers<void>();
    site.receiver.answer = () => mended.then(() => 200);
    await page.goto(`/dead?webhook=${webhook.uuid}`);
    await page.getByRole("checkbox", { name: "#1 of Given up" }).check();
    await page.getByRole("button", { name: "Replay selected" }).click();
    await page.getByRole("progressbar").waitFor();
    mend();
    await page.getByText("Done: 1 delivered.").waitFor();
  });

  test("a deleted webhook's page says so", async () => {
    const webhook = await make("Soon gone");
    const page = await site.visit(`/webhooks/${webhook.uuid}`);
    await page.getByText("Live", { exact: true }).waitFor();
    const other = await page.context().newPage();
    await other.goto(`/webhooks/${webhook.uuid}/delete`);
    await other.getByLabel("Type the webhook's name").fill("Soon gone");
    await other.getByRole("button", { name: "Delete webhook" }).click();
    await page.getByRole("heading", { name: "Not found" }).waitFor();
  });
});

function make(name: string): Promise<Webhook> {
  return createWebhook(site.gateway, { url: site.receiver.url, name, eventTypes: [type] });
}

/** Leaves a mark that is gone when another page is loaded, or the same one again. */
function mark(page: Page): Promise<unknown> {
  return page.evaluate(() => document.documentElement.setAttribute("data-mark", ""));
}

function isMarked(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.hasAttribute("data-mark"));
}
