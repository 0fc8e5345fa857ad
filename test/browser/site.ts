/** A gateway of its own, a receiver and a browser: what a file of browser tests needs. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import { Gateway } from "../flow/gateway.ts";
import { Receiver } from "../flow/receiver.ts";
import { startChromium } from "./chromium.ts";
import { watchFaults } from "./faults.ts";

/** Enough for a machine that does much else; nothing waits longer than it must. */
const patienceMs = 60_000;

/** How a person comes. `token`: whom they are signed in as; null: not at all. */
export type Visit = {
  token?: string | null;
  scripts?: boolean;
  scheme?: "light" | "dark";
  width?: 360 | 1440;
};

export class Site {
  readonly gateway: Gateway;
  readonly receiver: Receiver;
  readonly #browser: Browser;
  /** Signing in is limited per minute: each token does it once. */
  readonly #sessions = new Map<string, Awaited<ReturnType<BrowserContext["storageState"]>>>();

  private constructor(gateway: Gateway, receiver: Receiver, browser: Browser) {
    this.gateway = gateway;
    this.receiver = receiver;
    this.#browser = browser;
  }

  /** Whoever opens one closes it. */
  static async open(): Promise<Site> {
    const [gateway, receiver, browser] = await Promise.all([
      Gateway.start(),
      Receiver.open(),
      startChromium(),
    ]);
    return new Site(gateway, receiver, browser);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.receiver.stop();
    await this.gateway.remove();
  }

  /**
   * A page of a browser of its own, at `path`. The test fails at its end if the page had a fault: an error in a
   * script, a breach of its security policy, an asset that is missing, a request to anybody else.
   */
  async visit(path: string, visit: Visit = {}): Promise<Page> {
    const { token = this.gateway.token, scripts = true, scheme = "light", width = 1440 } = visit;
    const context = await this.#browser.newContext({
      baseURL: this.gateway.url,
      colorScheme: scheme,
      javaScriptEnabled: scripts,
      viewport: { width, height: width === 360 ? 740 : 900 },
      reducedMotion: "reduce",
      ...(token === null ? {} : { storageState: await this.#session(token) }),
    });
    context.setDefaultTimeout(patienceMs);
    const faults = watchFaults(context, this.gateway.url);
    onTestFinished(async () => {
      await context.close();
      expect(faults).toEqual([]);
    });
    const page = await context.newPage();
    await page.goto(path);
    return page;
  }

  async #session(token: string): Promise<Awaited<ReturnType<BrowserContext["storageState"]>>> {
    const known = this.#sessions.get(token);
    if (known !== undefined) return known;
    const context = await this.#browser.newContext({ baseURL: this.gateway.url });
    const page = await context.newPage();
    await page.goto("/sign-in");
    await page.getByLabel("API token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1, name: "Webhooks" }).waitFor();
    const session = await context.storageState();
    await context.close();
    this.#sessions.set(token, session);
    return session;
  }
}
