/** The browser of these tests: Debian's Chromium, or the one that CHROMIUM names. */
import { accessSync, constants } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** The one without a window of its own takes two thirds of the other's processor time. */
const installed = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];
const path = process.env["CHROMIUM"] ?? installed.find(isThere) ?? "/usr/bin/chromium-headless-shell";

/** What keeps it from asking anybody for anything, and from needing a sandbox, which containers do not give. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Why there is no browser; null where there is one. */
export const missing: string | null = isThere(path)
  ? null
  : `There is no Chromium at ${path}: install it (apt-get install chromium-headless-shell), or set CHROMIUM to the path of one.`;

let running: Promise<Browser> | undefined;

/** The browser of this process, which ends with it: files that run one after the other share it, each in contexts of its own. */
export function sharedChromium(): Promise<Browser> {
  // Only what hangs reaches the end: how fast the machine is decides nothing.
  running ??= chromium.launch({ executablePath: path, args: flags, timeout: 600_000 });
  return running;
}

function isThere(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
