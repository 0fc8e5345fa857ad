/** A form that is sent twice, by somebody who is in a hurry while the answer takes its time, is done once. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { createWebhook, makeEvent, publish } from "../flow/client.ts";
import { eventually } from "../flow/eventually.ts";
import { missing } from "./chromium.ts";
import { Site } from "./site.ts";

const type = "project:created";
let site: Site;

describe.skipIf(missing !== null)("while its answer is awaited, a form", () => {
  beforeAll(async () => {
    site = await Site.open();
    return () => site.close();
  });

  test("that replays starts one replay", async () => {
    const page = await site.visit(`/webhooks/${await make("Replayed")}/replay`);
    await publish(site.gateway, makeEvent(type));
    await page.getByLabel("Everything").check();
    const press = await finger(page, "Start replay");
    const { posts, answer } = await hold(page);
    await press();
    await sent(posts, 1);
    await press();
    answer();
    await page.getByText("Done: 1 delivered.").waitFor();
    expect(posts).toHaveLength(1);
  });

  test("that deletes a webhook says that it was deleted, whether it is pressed or entered again", async () => {
    const page = await site.visit(`/webhooks/${await make("Short-lived")}/delete`);
    await page.getByLabel("Type the webhook's name").fill("Short-lived");
    const press = await finger(page, "Delete webhook");
    const { posts, answer } = await hold(page);
    await press();
    await sent(posts, 1);
    await press();
    await page.keyboard.press("Enter");
    answer();
    await page.getByText("Short-lived was deleted.").waitFor();
    expect(posts).toHaveLength(1);
  });

  test("that changes a webhook is saved, and nobody else has changed it", async () => {
    const page = await site.visit(`/webhooks/${await make("Before")}/edit`);
    await page.getByLabel("Name").fill("After");
    const press = await finger(page, "Save");
    const { posts, answer } = await hold(page);
    await press();
    await sent(posts, 1);
    await press();
    answer();
    await page.getByText("Saved. Changes apply from the next attempt.").waitFor();
    expect(posts).toHaveLength(1);
  });

  test("that waits for the outcome of a test can be saved", async () => {
    const page = await site.visit("/webhooks/new");
    await page.getByLabel("URL").fill(site.receiver.url);
    await page.getByLabel("Name").fill("Not waited for");
    const [tryOut, save] = [await finger(page, "Test"), await finger(page, "Create webhook")];
    const { posts, answer } = await hold(page, (body) => body.includes("intent=test"));
    await tryOut();
    await sent(posts, 1);
    await tryOut();
    await save();
    await page.getByText("Webhook “Not waited for” created.").waitFor();
    answer();
    expect(posts.map((body) => new URLSearchParams(body).get("intent"))).toEqual(["test", "save"]);
  });

  test("can be sent again once nobody waits any more", async () => {
    const page = await site.visit(`/webhooks/${await make("Stopped")}/delete`);
    await page.getByLabel("Type the webhook's name").fill("Stopped");
    const press = await finger(page, "Delete webhook");
    const { posts, answer } = await hold(page);
    await press();
    await sent(posts, 1);
    await (await page.context().newCDPSession(page)).send("Page.stopLoading");
    await page.locator('form[aria-busy="true"]').waitFor({ state: "detached" });
    await press();
    await sent(posts, 2);
    answer();
    await page.getByText("Stopped was deleted.").waitFor();
  });

  test("can be sent again by who comes back to the page as it was left", async () => {
    const page = await site.visit(`/webhooks/${await make("Left")}/delete`);
    const busy = await page.evaluate(() => {
      const form = document.querySelector<HTMLFormElement>('form[action$="/pause"]');
      form?.requestSubmit();
      const before = form?.ariaBusy;
      // What a browser says that kept the page: this one, driven by a debugger, keeps none.
      dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
      return [before, form?.ariaBusy];
    });
    expect(busy).toEqual(["true", null]);
  });
});

async function make(name: string): Promise<string> {
  const { uuid } = await createWebhook(site.gateway, { url: site.receiver.url, name, eventTypes: [type] });
  return uuid;
}

/** @returns what presses a button, also while the page is about to be left, when it cannot be looked for any more. */
async function finger(page: Page, name: string): Promise<() => Promise<void>> {
  const button = page.getByRole("button", { name, exact: true }).last();
  await button.scrollIntoViewIfNeeded();
  const box = await button.boundingBox();
  if (box === null) throw new Error(`Nobody can press “${name}”.`);
  return () => page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
}

/** Waits until so many forms were sent: they are held back now. */
async function sent(posts: string[], count: number): Promise<void> {
  await eventually("the form is sent", () => posts.length >= count);
  expect(posts).toHaveLength(count);
}

/**
 * Holds the forms of a page back from now on.
 * @param isHeld whether one is, by its body. @returns the bodies of all that were sent, and what lets the held ones go.
 */
async function hold(
  page: Page,
  isHeld: (body: string) => boolean = () => true,
): Promise<{ posts: string[]; answer: () => void }> {
  const posts: string[] = [];
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  await page.route("**", async (route, request) => {
    if (request.method() !== "POST") return route.continue();
    const body = request.postData() ?? "";
    // Asked for by typing, not by a button.
    if (body.includes("intent=preview")) return route.continue();
    posts.push(body);
    if (isHeld(body)) await answered;
    return route.continue();
  });
  return { posts, answer };
}
