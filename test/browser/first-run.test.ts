/** The way of somebody who comes for the first time, from signing in to a webhook that is gone again. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { hubSignature } from "../flow/receiver.ts";
import { missing } from "./chromium.ts";
import { expectGoodLooks } from "./looks.ts";
import { Site } from "./site.ts";

let site: Site;

describe.skipIf(missing !== null)("the first run", () => {
  beforeAll(async () => {
    site = await Site.open();
    return () => site.close();
  });

  test("leads from signing in to a webhook that is created, tested, updated live, broken, fixed, rotated and deleted", async () => {
    const { receiver, gateway } = site;
    const page = await site.visit("/", { token: null });
    const button = (name: string) => page.getByRole("button", { name, exact: true });

    await page.getByLabel("API token").fill(gateway.token);
    await button("Sign in").click();
    await page.getByRole("heading", { name: "No webhooks yet" }).waitFor();
    await expectGoodLooks(page, "webhooks-none");

    await page.getByRole("link", { name: "Create webhook" }).click();
    await page.getByLabel("URL").fill(receiver.url);
    await page.getByLabel("Name").fill("First receiver");
    const secret = await page.getByLabel("Secret").inputValue();
    await button("Job run failures").click();
    await page.getByText("2 selected").waitFor();
    await button("Test").click();
    await page.getByText("The test ping was delivered").waitFor();
    expect(receiver.arrivals).toHaveLength(1);
    await button("Create webhook").click();
    await page.getByRole("heading", { level: 1, name: "First receiver" }).waitFor();
    await page.getByText("Webhook “First receiver” created.").waitFor();
    await page.getByText("Live", { exact: true }).waitFor();

    // Published in another tab: this one shows it without being asked.
    const events = await page.context().newPage();
    await publishSample(events);
    await logRow(page, 1).filter({ hasText: "Delivered" }).waitFor();
    expect(signatureOf(1)).toBe(signedWith(1, secret));

    receiver.answer = () => 500;
    await publishSample(events);
    await logRow(page, 2).filter({ hasText: "Retrying" }).waitFor();
    await page.getByText("Delivery #2 blocks new deliveries").waitFor();
    await logRow(page, 2).getByRole("link").click();
    await page.getByRole("heading", { level: 1, name: "Delivery #2" }).waitFor();
    await page.getByText("500").first().waitFor();

    receiver.answer = () => 200;
    await button("Resend").click();
    await page.locator("#delivery-status").getByText("Delivered").waitFor();

    await page.getByRole("link", { name: "First receiver" }).first().click();
    await page.getByRole("link", { name: "Replay…" }).click();
    await page.getByLabel("Everything").check();
    await button("Start replay").click();
    await page.getByText("Done: 2 delivered.").waitFor();
    expect(receiver.arrivals.filter(({ headers }) => "x-orchest-replay" in headers)).toHaveLength(2);

    await page.getByRole("link", { name: "Back to webhook" }).click();
    await page.getByRole("link", { name: "Rotate secret…" }).click();
    const newSecret = await page.getByLabel("Secret", { exact: true }).inputValue();
    expect(newSecret).not.toBe(secret);
    await page.getByLabel("X-Hub-Signature").selectOption("new");
    await button("Rotate secret").click();
    await page.getByText("The secret was rotated.").waitFor();
    await publishSample(events);
    await logRow(page, 3).filter({ hasText: "Delivered" }).waitFor();
    expect(signatureOf(3)).toBe(signedWith(3, newSecret));

    await page.getByRole("link", { name: "Delete…" }).click();
    await page.getByLabel("Type the webhook's name").fill("First receiver");
    await button("Delete webhook").click();
    await page.getByText("First receiver was deleted.").waitFor();
    await page.getByRole("heading", { name: "No webhooks yet" }).waitFor();
  });
});

/** Publishes a sample of what the page offers first, in this tab. */
async function publishSample(page: Page): Promise<void> {
  await page.goto("/events/new");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByText("Delivering to 1 webhook.").waitFor();
}

/** The row of a delivery in the log of the webhook's page. */
function logRow(page: Page, sequence: number) {
  return page.locator("#webhook-log").getByRole("row", { name: `#${sequence} ` });
}

function firstArrival(sequence: number) {
  return site.receiver.arrivals.find((arrival) => arrival.sequence === sequence);
}

function signatureOf(sequence: number): unknown {
  return firstArrival(sequence)?.headers["x-hub-signature"];
}

function signedWith(sequence: number, secret: string): string {
  return hubSignature(secret, firstArrival(sequence)?.body ?? "");
}
