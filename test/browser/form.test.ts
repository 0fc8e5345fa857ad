/** The form of a webhook: what was typed stays, errors stand beside their fields, the preview follows. */
import { beforeAll, describe, expect, test } from "vitest";
import { createWebhook } from "../flow/client.ts";
import { eventually } from "../flow/eventually.ts";
import { missing } from "./chromium.ts";
import { tabTo } from "./keyboard.ts";
import { expectGoodLooks } from "./looks.ts";
import { Site } from "./site.ts";

const slackUrl = "https://hooks.slack.com/services/T000/B000/XXXX";
let site: Site;

describe.skipIf(missing !== null)("the form of a webhook", () => {
  beforeAll(async () => {
    site = await Site.open();
    return () => site.close();
  });

  test.each([true, false])(
    "keeps what was typed and says at each field what is wrong, with scripts %s",
    async (scripts) => {
      const page = await site.visit("/webhooks/new", { scripts });
      await page.getByLabel("URL").fill("ftp://example.com/path");
      await page.getByLabel("Name").fill("Kept");
      await page.getByLabel("Secret").fill("a secret of my own");
      await page.getByText("Advanced: retries, timeout, rate limit, digest, headers").click();
      await page.getByLabel("Timeout").fill("31");
      await page.getByRole("button", { name: "Create webhook" }).click();

      const summary = page.getByRole("alert");
      await summary.waitFor();
      expect(await summary.textContent()).toContain("Nothing was saved");
      expect(await page.getByLabel("URL").inputValue()).toBe("ftp://example.com/path");
      expect(await page.getByLabel("Name").inputValue()).toBe("Kept");
      expect(await page.getByLabel("Secret").inputValue()).toBe("a secret of my own");
      expect(await page.getByLabel("Timeout").inputValue()).toBe("31");
      await page.locator('#timeout_s[aria-invalid="true"]').waitFor();
      await page.locator("#timeout_s-error").waitFor();
    },
  );

  test("recognises a channel as its URL is pasted, and previews what it will show", async () => {
    const page = await site.visit("/webhooks/new");
    await page.getByLabel("URL").fill(slackUrl);
    await page.getByText("Slack recognised by the URL.").waitFor();
    await page.getByText("The message in Slack").waitFor();
    await page.getByText("In Slack", { exact: true }).waitFor();
    await page.getByLabel("Content type").selectOption("application/x-www-form-urlencoded");
    await page.getByText("Slack does not show form bodies").waitFor();
  });

  test.each([true, false])(
    "shows the fields of the format that is chosen, with scripts %s, and keeps what was typed",
    async (scripts) => {
      const page = await site.visit("/webhooks/new", { scripts });
      await page.getByLabel("URL").fill("https://events.pagerduty.com/v2/enqueue");
      if (!scripts) await page.getByRole("button", { name: "Show its fields" }).click();
      await page.getByLabel("Integration key").fill("R0UT1NG");
      await page.getByLabel("Severity of failures (optional)").selectOption("critical");
      if (!scripts) await page.getByRole("button", { name: "Show its fields" }).click();
      await page.getByText("The message in PagerDuty").waitFor();
      await page.getByText("Severity: critical").waitFor();
      expect(await page.getByLabel("Integration key").inputValue()).toBe("R0UT1NG");
      await page.getByLabel("Format", { exact: true }).selectOption("ntfy");
      if (!scripts) await page.getByRole("button", { name: "Show its fields" }).click();
      await page.getByLabel("Topic").waitFor();
      expect(await page.getByLabel("Integration key").count()).toBe(0);
      if (scripts) await expectGoodLooks(page, "form-of-ntfy");
    },
  );

  test("finds event types by any words of their names", async () => {
    const page = await site.visit("/webhooks/new");
    await page.getByRole("searchbox", { name: "Search event types" }).fill("cron failed");
    const boxes = page.getByRole("group", { name: "Events" }).getByRole("checkbox");
    await page.locator('[data-choice="project:created"]').waitFor({ state: "hidden" });
    await boxes.first().check();
    await page.getByText("1 selected").waitFor();
  });

  test("copies the secret that it made, and makes another in place", async () => {
    const page = await site.visit("/webhooks/new");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const field = page.getByLabel("Secret");
    const first = await field.inputValue();
    await page.getByRole("button", { name: "Regenerate" }).click();
    await page.locator(`#secret:not([value="${first}"])`).waitFor();
    const second = await field.inputValue();
    expect(second).toMatch(/^\S{32,}$/);
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    await eventually("the secret is in the clipboard", async () => (await clipboard()) === second);
  });

  test("asks before what was typed is lost, and not when it is saved", async () => {
    const page = await site.visit("/webhooks/new");
    const questions: string[] = [];
    page.on("dialog", (dialog) => {
      questions.push(dialog.type());
      return dialog.accept();
    });
    await page.getByLabel("URL").fill(site.receiver.url);
    await page.getByLabel("Name").fill("Unsaved");
    await page.getByRole("link", { name: "Cancel" }).click();
    await page.getByRole("heading", { level: 1, name: "Webhooks" }).waitFor();
    expect(questions).toEqual(["beforeunload"]);

    await page.goto("/webhooks/new");
    await page.getByLabel("URL").fill(site.receiver.url);
    await page.getByLabel("Name").fill("Saved");
    await page.getByRole("button", { name: "Create webhook" }).click();
    await page.getByRole("heading", { level: 1, name: "Saved" }).waitFor();
    expect(questions).toEqual(["beforeunload"]);
  });

  test("is filled in, tried and saved with the keyboard alone", async () => {
    const page = await site.visit("/", { token: null });
    const { keyboard } = page;
    const press = async (name: string) => {
      await tabTo(page, page.getByRole("button", { name, exact: true }).last());
      await keyboard.press("Enter");
    };
    // The field has the focus already.
    await page.getByLabel("API token").waitFor();
    await keyboard.type(site.gateway.token);
    await keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Webhooks" }).waitFor();
    // While the page still loads, Chromium takes the focus back to what a link within it led to.
    await page.waitForLoadState();
    await keyboard.press("Tab");
    await keyboard.press("Enter");
    await page.locator("#content:focus").waitFor();
    await tabTo(page, page.getByRole("link", { name: "Create webhook" }));
    await keyboard.press("Enter");

    await tabTo(page, page.getByLabel("URL"));
    await keyboard.type(site.receiver.url);
    await tabTo(page, page.getByLabel("Name"));
    await keyboard.type("Typed");
    await tabTo(page, page.getByRole("button", { name: "Job run failures" }));
    await keyboard.press("Space");
    await page.getByText("2 selected").waitFor();
    await press("Test");
    await page.getByText("The test ping was delivered").waitFor();
    await press("Create webhook");
    await page.getByRole("heading", { level: 1, name: "Typed" }).waitFor();
    await page.getByText("Webhook “Typed” created.").waitFor();
  });

  test("says that the session has ended, keeps what was typed, and goes on after signing in in another tab", async () => {
    const page = await site.visit("/webhooks/new");
    const session = await page.context().cookies();
    await page.getByLabel("URL").fill(site.receiver.url);
    await page.getByLabel("Name").fill("Kept");
    await page.context().clearCookies();
    await page.getByRole("button", { name: "Regenerate" }).click();
    await page.getByRole("alert").getByText("Your session has ended").waitFor();
    await page.getByRole("button", { name: "Test" }).click();
    await page.locator("#tested").getByText("Sign in in another tab, then try again.").waitFor();
    expect(await page.getByText("Your session has ended").count()).toBe(1);
    await page.context().addCookies(session);
    await page.getByRole("button", { name: "Test" }).click();
    await page.getByText("The test ping was delivered").waitFor();
    expect(await page.getByText("Your session has ended").count()).toBe(0);
    expect(await page.getByLabel("Name").inputValue()).toBe("Kept");
  });

  test("takes the focus to what is wrong when it is refused", async () => {
    const page = await site.visit("/webhooks/new");
    await page.getByLabel("URL").fill("no URL");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await page.locator("#form-errors:focus").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator("#url:focus").waitFor();
  });

  test("shows neither the path of the URL nor the secret of a stored webhook, and keeps both when they stay empty", async () => {
    const { gateway, receiver } = site;
    const webhook = await createWebhook(gateway, {
      url: `${receiver.url}/hidden-path`,
      name: "Edited",
      secret: "hidden secret",
      eventTypes: ["project:created"],
    });
    const page = await site.visit(`/webhooks/${webhook.uuid}/edit`);
    expect(await page.content()).not.toMatch(/hidden-path|hidden secret/);
    await page.getByLabel("Name").fill("Edited anew");
    await page.getByRole("button", { name: "Save" }).last().click();
    await page.getByText("Saved. Changes apply from the next attempt.").waitFor();
    await page.getByRole("button", { name: "Test" }).click();
    await page.getByText("The test ping was delivered").waitFor();
    expect(receiver.arrivals.at(-1)?.path).toBe("/hidden-path");
  });
});
