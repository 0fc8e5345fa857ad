/** A gateway, a receiver and a browser: what a file of browser tests needs. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import { BorrowedGateway } from "../flow/borrowed-gateway.ts";
import { Receiver } from "../flow/receiver.ts";
import { sharedChromium } from "./chromium.ts";
import { FaultWatch } from "./faults.ts";

/** Only what hangs reaches it: how fast the machine is decides nothing. */
const patienceMs = 10 * 60_000;

/** How a person comes. `token`: whom they are signed in as; null: not at all. */
export type Visit = { token?: string | null; scripts?: boolean; width?: Width };

/** Of a telephone, and of a desk. */
export type Width = 360 | 1440;

type Cookies = Awaited<ReturnType<BrowserContext["cookies"]>>;
/** A context of the browser. To make one takes as long as to load a page: tests use it one after the other. */
type Watched = { context: BrowserContext; watch: FaultWatch };

export class Site {
  readonly gateway: BorrowedGateway;
  readonly receiver: Receiver;
  readonly #browser: Browser;
  readonly #contexts = new Map<string, Watched>();
  /** Signing in is limited per minute: each token does it once. */
  readonly #sessions = new Map<string, Cookies>();

  private constructor(gateway: BorrowedGateway, receiver: Receiver, browser: Browser) {
    this.gateway = gateway;
    this.receiver = receiver;
    this.#browser = browser;
  }

  /** Whoever opens one closes it. Its gateway has no webhooks. */
  static async open(): Promise<Site> {
    const [gateway, receiver, browser] = await Promise.all([
      BorrowedGateway.borrow(),
      Receiver.open(),
      sharedChromium(),
    ]);
    return new Site(gateway, receiver, browser);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#contexts.values()].map(({ context }) => context.close()));
    await this.receiver.stop();
    await this.gateway.giveBack();
  }

  /**
   * A new page at `path`, closed at the end of the test. The test fails then if the page had a fault: an error in a
   * script, a breach of its security policy, an asset that is missing, a request to anybody else.
   */
  async visit(path: string, visit: Visit = {}): Promise<Page> {
    const { token = this.gateway.token, scripts = true, width = 1440 } = visit;
    const { context, watch } = await this.#context("", scripts);
    onTestFinished(async () => {
      await Promise.all(context.pages().map((page) => page.close()));
      await context.clearPermissions();
      watch.expectNone();
    });
    await context.clearCookies();
    if (token !== null) await context.addCookies(await this.#session(token));
    const page = await context.newPage();
    await page.setViewportSize(sizeOf(width));
    await page.goto(path);
    return page;
  }

  /**
   * The page that all tests share which only look at something as `token`. It is where the test before has left it.
   * Its faults fail the test, as those of a visit do.
   */
  async sharedPage(token: Visit["token"] = this.gateway.token): Promise<Page> {
    const { context, watch } = await this.#context(`as ${token}`, true);
    onTestFinished(() => watch.expectNone());
    const [known] = context.pages();
    if (known !== undefined) return known;
    if (token !== null) await context.addCookies(await this.#session(token));
    return context.newPage();
  }

  async #context(name: string, scripts: boolean): Promise<Watched> {
    const key = `${name} ${scripts}`;
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    const context = await this.#browser.newContext({
      baseURL: this.gateway.url,
      javaScriptEnabled: scripts,
      reducedMotion: "reduce",
    });
    context.setDefaultTimeout(patienceMs);
    const made = { context, watch: new FaultWatch(context, this.gateway.url) };
    this.#contexts.set(key, made);
    return made;
  }

  async #session(token: string): Promise<Cookies> {
    const known = this.#sessions.get(token);
    if (known !== undefined) return known;
    const context = await this.#browser.newContext({ baseURL: this.gateway.url });
    // What the form sends, without a page: the first run and the keyboard's test show that the form does.
    await context.request.post("/sign-in", {
      form: { token },
      headers: { Origin: this.gateway.url },
      maxRedirects: 0,
      timeout: patienceMs,
    });
    const session = await context.cookies();
    await context.close();
    expect(session).not.toEqual([]);
    this.#sessions.set(token, session);
    return session;
  }
}

/** The screen of somebody who comes with this width. */
export function sizeOf(width: Width): { width: number; height: number } {
  return { width, height: width === 360 ? 740 : 900 };
}
