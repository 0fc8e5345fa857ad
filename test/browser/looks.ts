/** What holds for every page, whatever is on it. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { projectDirectory } from "../../tools/project-directory.ts";

const screenshots = join(projectDirectory, "test/browser/screenshots");
mkdirSync(screenshots, { recursive: true });

/** How much of the view may move by itself, as browsers count it: a quarter of what they still call good. */
const shiftMax = 0.025;

/** What axe looks for. Dark pages differ from light ones in nothing but colours. */
const rules = { light: {}, dark: { runOnly: ["color-contrast", "link-in-text-block"] } };

/**
 * Holds the page, as it is now and with all that it folds away, against what every page must be: accessible in light
 * and in dark, no wider than the screen. Keeps a picture of each as `{name}-{width}-{scheme}.png`.
 */
export async function expectGoodLooks(page: Page, name: string): Promise<void> {
  await page.waitForLoadState();
  expect(await overflow(page)).toEqual([]);
  const width = page.viewportSize()?.width;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const path = join(screenshots, `${name}-${width}-${colorScheme}.png`);
    await page.screenshot({ path, fullPage: true });
    await page.evaluate(unfold);
    expect(await overflow(page)).toEqual([]);
    expect(await violations(page, colorScheme)).toEqual([]);
    await page.evaluate(fold);
  }
}

/** Opens what is closed. */
function unfold(): void {
  for (const details of document.querySelectorAll<HTMLDetailsElement>("details:not([open])")) {
    details.open = true;
    details.dataset["unfolded"] = "";
  }
}

/** Closes what `unfold` opened. */
function fold(): void {
  for (const details of document.querySelectorAll<HTMLDetailsElement>("details[data-unfolded]")) {
    details.open = false;
    delete details.dataset["unfolded"];
  }
}

/** What moved by itself since the page was opened: nothing may, but for what nobody sees. */
export async function expectNoShift(page: Page): Promise<void> {
  const live = page.locator("[data-live]");
  if ((await live.count()) > 0) await live.waitFor();
  const shifts = await page.evaluate(readShifts);
  const sum = shifts.reduce((total, { value }) => total + value, 0);
  expect(sum < shiftMax ? [] : shifts).toEqual([]);
}

type Shift = { value: number; moved: string[] };

function readShifts(): Promise<Shift[]> {
  const { promise, resolve } = Promise.withResolvers<Shift[]>();
  const observer = new PerformanceObserver((list) => {
    const entries = list.getEntries() as (PerformanceEntry & {
      value: number;
      sources: { node: Element | null }[];
    })[];
    const shifts = entries.map(({ value, sources }) => ({
      value,
      moved: sources.map(({ node }) => node?.outerHTML?.slice(0, 120) ?? ""),
    }));
    resolve(shifts);
  });
  observer.observe({ type: "layout-shift", buffered: true });
  // Where nothing moved the observer never calls.
  setTimeout(() => resolve([]), 200);
  return promise;
}

/** @returns what is wider than the screen, if the page is: the outermost of what sticks out. */
function overflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.body.querySelectorAll("*")].filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 1,
    );
    return [`${scrollWidth} px`, ...wide.slice(0, 5).map((element) => element.outerHTML.slice(0, 120))];
  });
}

async function violations(page: Page, scheme: keyof typeof rules): Promise<string[]> {
  // The policy of the pages forbids scripts in them; what a debugger evaluates is none.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(axe.source);
  const options = JSON.stringify({ ...rules[scheme], resultTypes: ["violations"] });
  const found = await page.evaluate<AxeResults>(`axe.run(document, ${options})`);
  return found.violations.map(({ id, help, nodes }) => {
    const where = nodes.map(({ target }) => target.join(" ")).join(", ");
    return `${scheme}: ${id}: ${help}: ${where}`;
  });
}
