/** With scripts off everything works but what is live: the same way, by forms and reloads. */
import type { Locator, Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { createWebhook } from "../flow/client.ts";
import { eventually } from "../flow/eventually.ts";
import { missing } from "./chromium.ts";
import { Site } from "./site.ts";

let site: Site;

describe.skipIf(missing !== null)("without scripts", () => {
  beforeAll(async () => {
    site = await Site.open();
    return () => site.close();
  });

  test("a webhook is created, tested, paused, fixed by resending, and deleted", async () => {
    const { receiver } = site;
    const page = await site.visit("/webhooks/new", { scripts: false });
    const button = (name: string) => page.getByRole("button", { name, exact: true });
    /** Loads the page again until it shows this. What was pressed before must have been answered. */
    const shows = (wanted: Locator) =>
      eventually(`the page shows ${String(wanted)}`, async () => {
        await page.reload();
        return wanted.isVisible();
      });

    await page.getByLabel("URL").fill(receiver.url);
    await page.getByLabel("Name").fill("By hand");
    await page.getByLabel("Verify certificate").uncheck();
    await button("Job run failures").click();
    await page.getByText("2 selected").waitFor();
    expect(await page.getByLabel("Name").inputValue()).toBe("By hand");
    await button("Test").click();
    await page.getByText("The test ping was delivered").waitFor();
    await button("Create webhook").click();
    await page.getByText("Webhook “By hand” created.").waitFor();
    const webhookPage = page.url();

    receiver.answer = () => 500;
    await page.goto("/events/new");
    await page.getByLabel("Event type").selectOption("project:cron-job:run:pipeline-run:failed");
    await button("Use sample").click();
    expect(await page.getByRole("textbox", { name: "Event" }).inputValue()).toContain("cron-job");
    await button("Publish").click();
    await page.getByText("Delivering to 1 webhook.").waitFor();
    await page.goto(webhookPage);
    await shows(page.getByText("Delivery #1 blocks new deliveries").first());
    await button("Pause").click();
    await page.locator("#webhook-state").getByText("Paused").waitFor();
    receiver.answer = () => 200;
    await button("Resume").click();
    await page.locator("#webhook-state").getByText("Active").waitFor();
    await page.getByRole("link", { name: "#1", exact: true }).click();
    await button("Resend").click();
    await page.getByText("Resending.").waitFor();
    await shows(page.locator("#delivery-status").getByText("Delivered"));

    await page.goto(`${webhookPage}/delete`);
    await page.getByLabel("Type the webhook's name").fill("By hand");
    await button("Delete webhook").click();
    await page.getByText("By hand was deleted.").waitFor();
  });

  test("what a button of the form has changed is in view, and what it is called", async () => {
    const page = await site.visit("/webhooks/new", { scripts: false, width: 360 });
    const secret = page.getByLabel("Secret");
    const first = await secret.inputValue();
    await page.getByLabel("URL").fill(site.receiver.url);
    await page.getByLabel("Verify certificate").uncheck();
    await page.getByRole("button", { name: "Regenerate" }).click();
    await page.locator(`#secret:not([value="${first}"])`).waitFor();
    await expectInView(page, page.getByText("Secret", { exact: true }), secret);
    await page.getByRole("button", { name: "Image build failures" }).click();
    await expectInView(page, page.getByText("1 selected"));
    await page.getByRole("button", { name: "Test" }).click();
    await expectInView(page, page.getByText("The test ping was delivered"));
    await page.getByRole("button", { name: "Add events for another project or job" }).click();
    await expectInView(page, page.getByText("None selected, one project"));
    expect(await page.getByLabel("URL").inputValue()).toBe(site.receiver.url);
  });

  test("a replay's page loads itself again until it is done", async () => {
    const { receiver, gateway } = site;
    receiver.answer = () => 200;
    const webhook = await createWebhook(gateway, {
      url: receiver.url,
      name: "Again",
      eventTypes: ["project:created"],
    });
    const page = await site.visit("/events/new?type=project:created", { scripts: false });
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await page.getByText("Delivering to 1 webhook.").waitFor();
    await eventually("it arrived", () =>
      receiver.arrivals.some(({ headers }) => headers["x-orchest-event"] === "project:created"),
    );

    // While the answer is awaited the work is under way.
    const { promise: mended, resolve: mend } = Promise.withResolvers<void>();
    receiver.answer = () => mended.then(() => 200);
    await page.goto(`/webhooks/${webhook.uuid}/replay`);
    await page.getByLabel("Everything").check();
    await page.getByRole("button", { name: "Start replay", exact: true }).click();
    await page.getByRole("progressbar", { name: "Replaying" }).waitFor();
    mend();
    await page.getByText("Done: 1 delivered.").waitFor();
  });
});

/** What the page was answered with shows these where it opens, without scrolling. */
async function expectInView(page: Page, ...wanted: Locator[]): Promise<void> {
  const height = page.viewportSize()?.height ?? 0;
  for (const one of wanted) {
    await one.waitFor();
    await page.waitForLoadState();
    const box = await one.boundingBox();
    expect({ top: box !== null && box.y >= 0, bottom: box !== null && box.y + box.height <= height }).toEqual(
      {
        top: true,
        bottom: true,
      },
    );
  }
}
