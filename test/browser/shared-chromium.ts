/** Before the browser tests: starts the browser that all of their files share, or says that they are left out. */
import type { TestProject } from "vitest/node";
import { missing, startChromium } from "./chromium.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the browser is reached with Playwright's `connect`; empty where there is none. */
    chromium: string;
  }
}

/** @returns what closes it. @throws {Error} in CI, without a browser: there nothing may be left out. */
export default async function shareChromium({ provide }: TestProject): Promise<(() => Promise<void>) | void> {
  if (missing === null) {
    const server = await startChromium();
    provide("chromium", server.wsEndpoint());
    return () => server.close();
  }
  if (process.env["CI"]) throw new Error(missing);
  provide("chromium", "");
  console.warn(`\nThe browser tests are left out. ${missing}\n`);
}
