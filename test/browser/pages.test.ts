/** Every page, in every state that it can be in, as everybody sees it: wide and narrow, light and dark. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { missing } from "./chromium.ts";
import { type Inhabited, inhabit } from "./inhabited.ts";
import { expectEverythingInReach } from "./keyboard.ts";
import { expectGoodLooks, expectNoShift } from "./looks.ts";
import { Site, sizeOf, type Visit } from "./site.ts";

let site: Site;
let here: Inhabited;

/**
 * `as`: who comes, when it is not the administrator. `status`: what the path is answered with, when it is not 200.
 * `act`: what leads from the path to what is looked at.
 */
type Shown = {
  name: string;
  path: () => string;
  as?: () => Visit["token"];
  status?: number;
  act?: (page: Page) => Promise<void>;
};

const webhook = (which: "busy" | "failing" | "paused" | "disabled" | "inside", rest = "") =>
  `/webhooks/${here[which].uuid}${rest}`;
const delivery = (of: "busy" | "failing", status: keyof Inhabited["deliveries"]) =>
  webhook(of, `/deliveries/${here.deliveries[status]}`);
const press = (name: string) => (page: Page) => page.getByRole("button", { name, exact: true }).click();

const shown: Shown[] = [
  { name: "sign-in", path: () => "/sign-in", as: () => null },
  {
    name: "sign-in-refused",
    path: () => "/sign-in",
    as: () => null,
    act: async (page) => {
      await page.getByLabel("API token").fill("no-token");
      await press("Sign in")(page);
      await page.getByRole("alert").waitFor();
    },
  },
  {
    name: "sign-in-unsaved",
    path: () => "/sign-in?unsaved=yes&next=%2Fwebhooks%2Fnew",
    as: () => null,
  },
  { name: "webhooks", path: () => "/" },
  { name: "webhooks-of-a-reader", path: () => "/", as: () => here.reader },
  { name: "job-failures-confirm", path: () => "/job-failures?to=off" },
  { name: "new-webhook", path: () => "/webhooks/new" },
  {
    name: "new-webhook-refused",
    path: () => "/webhooks/new",
    act: async (page) => {
      await page.getByLabel("URL").fill("ftp://example.com");
      await press("Create webhook")(page);
      await page.getByRole("alert").waitFor();
    },
  },
  { name: "edit-webhook", path: () => webhook("busy", "/edit") },
  { name: "edit-webhook-of-a-long-name", path: () => webhook("failing", "/edit") },
  { name: "edit-webhook-with-an-egress", path: () => webhook("inside", "/edit") },
  { name: "webhook-with-an-egress", path: () => webhook("inside") },
  { name: "webhook", path: () => webhook("busy") },
  { name: "webhook-of-a-reader", path: () => webhook("failing"), as: () => here.reader },
  { name: "webhook-older-deliveries", path: () => webhook("busy", "?cursor=5&range=hour") },
  { name: "webhook-failing", path: () => webhook("failing") },
  { name: "webhook-paused", path: () => webhook("paused") },
  { name: "webhook-disabled", path: () => webhook("disabled") },
  { name: "delivery-delivered", path: () => delivery("busy", "delivered") },
  { name: "delivery-failed", path: () => delivery("failing", "failed") },
  { name: "delivery-pending", path: () => delivery("failing", "pending") },
  { name: "delivery-dead", path: () => delivery("failing", "dead") },
  { name: "delivery-of-a-reader", path: () => delivery("failing", "failed"), as: () => here.reader },
  { name: "rotate-secret", path: () => webhook("failing", "/rotate-secret") },
  { name: "replay", path: () => webhook("failing", "/replay") },
  { name: "replay-done", path: () => webhook("busy", `/replays/${here.replays.done}`) },
  { name: "replay-running", path: () => webhook("failing", `/replays/${here.replays.running}`) },
  { name: "delete", path: () => webhook("failing", "/delete") },
  {
    name: "delete-refused",
    path: () => webhook("disabled", "/delete"),
    act: async (page) => {
      await page.getByLabel("Type the webhook's name").fill("another name");
      await press("Delete webhook")(page);
      await page.getByText("The name does not match").waitFor();
    },
  },
  { name: "events", path: () => "/events" },
  {
    name: "events-filtered-wrongly",
    path: () => "/events?type=project:craeted&since=2026-02-01T00:00&until=2026-01-01T00:00",
    status: 400,
  },
  { name: "event", path: () => `/events/${here.event}` },
  { name: "publish", path: () => "/events/new" },
  { name: "publish-of-a-reader", path: () => "/events/new", as: () => here.reader },
  { name: "dead-letters", path: () => "/dead" },
  { name: "dead-letters-of-one", path: () => `/dead?webhook=${here.failing.uuid}` },
  { name: "dead-letters-confirm", path: () => "/dead/replay?all=yes" },
  {
    name: "dead-letters-replays",
    path: () => `/dead/replays?of=${here.failing.uuid}:${here.replays.running}`,
  },
  { name: "api", path: () => "/docs", as: () => null },
  { name: "not-found", path: () => "/nowhere", status: 404 },
  { name: "not-allowed", path: () => webhook("busy", "/edit"), as: () => here.reader, status: 403 },
];

/** Where the Tab key is tried. */
const withMuchToDo = new Set([
  "webhooks",
  "new-webhook",
  "webhook-failing",
  "delivery-failed",
  "rotate-secret",
  "replay",
  "events",
  "publish",
  "dead-letters",
]);

describe.skipIf(missing !== null)("a page", () => {
  beforeAll(async () => {
    site = await Site.open();
    return () => site.close();
  });
  beforeAll(async () => {
    here = await inhabit(site);
  });

  test.each(shown)(
    "$name is accessible in light and in dark, as narrow as a telephone and without a shift, and all of it in reach of the Tab key",
    async ({ name, path, as, act, status = 200 }) => {
      const page = await site.sharedPage(as?.());
      for (const width of [1440, 360] as const) {
        await page.setViewportSize(sizeOf(width));
        const response = await page.goto(path());
        expect(response?.status()).toBe(status);
        await expectNoShift(page);
      }
      await act?.(page);
      await expectGoodLooks(page, name);
      if (withMuchToDo.has(name)) await expectEverythingInReach(page);
    },
  );
});
