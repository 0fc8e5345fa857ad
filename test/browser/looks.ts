/** What holds for every page, whatever is on it. */
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults, RunOptions } from "axe-core";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { projectDirectory } from "../../tools/project-directory.ts";
import { sizeOf } from "./site.ts";

/** Where pictures of the pages are kept: only when they are asked for, since they take longer than all else. */
const screenshots = process.env["SCREENSHOTS"] ? join(projectDirectory, "test/browser/screenshots") : null;
if (screenshots !== null) mkdirSync(screenshots, { recursive: true });

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** How much of the view may move by itself, as browsers count it: a quarter of what they still call good. */
const shiftMax = 0.025;

/** What of axe's rules depends on colours: dark pages differ from light ones in nothing else. */
const colourRules = ["color-contrast", "link-in-text-block"];
const withoutColours = Object.fromEntries(colourRules.map((id) => [id, { enabled: false }]));

/** All but the reader of the API, whose markup is not ours. */
const ours = "{ exclude: [['elements-api']] }";

/**
 * Holds the page, as it is now and with all that it folds away, against what every page must be: no wider than a
 * telephone or a desk, accessible on both in light and in dark. With SCREENSHOTS set it keeps a picture of each as
 * `{name}-{width}-{scheme}.png`.
 */
export async function expectGoodLooks(page: Page, name: string): Promise<void> {
  await page.waitForLoadState();
  for (const width of [360, 1440] as const) {
    await page.setViewportSize(sizeOf(width));
    await expectNoOverflow(page);
    if (screenshots !== null) await keepPictures(page, join(screenshots, `${name}-${width}`));
    await page.evaluate(unfold);
    await expectNoOverflow(page);
    await page.evaluate(thinOut);
    await expectAccessible(page, ours, { rules: withoutColours });
    await expectReadable(page, "light");
    await inTheDark(page, () => expectReadable(page, "dark"));
    await page.evaluate(fold);
  }
}

async function inTheDark(page: Page, look: () => Promise<void>): Promise<void> {
  await page.emulateMedia({ colorScheme: "dark" });
  await look();
  await page.emulateMedia({ colorScheme: "light" });
}

/** How many elements of each look were held against the rules about colours, on any page. */
const looks = { light: new Map<string, number>(), dark: new Map<string, number>() };

/** Holds against the rules about colours what looks unlike all that was: axe takes most of its time for them. */
async function expectReadable(page: Page, scheme: keyof typeof looks): Promise<void> {
  await page.evaluate(endTransitions);
  const known = looks[scheme];
  const unlike = await page.evaluate(pickUnlike, Object.fromEntries(known));
  if (unlike.length === 0) return;
  const { violations, passed } = await askAxe(page, "{ include: unlike }", { runOnly: colourRules });
  expect(violations).toEqual([]);
  // A box without a text may be all that is new.
  if (known.size === 0) expect(passed).toBeGreaterThan(0);
  for (const look of unlike) known.set(look, (known.get(look) ?? 0) + 1);
}

/** Fails unless axe, which knows WCAG's rules, has looked at the page as it is and found nothing. Parameters as in `askAxe`. */
export async function expectAccessible(
  page: Page,
  context = "document",
  some: RunOptions = {},
): Promise<void> {
  const { violations, passed } = await askAxe(page, context, some);
  expect(violations).toEqual([]);
  expect(passed).toBeGreaterThan(0);
}

/**
 * @param context what axe looks at, in JavaScript. @param some which rules.
 * @returns what it found, a line for each rule, and how many rules found only what is right.
 */
async function askAxe(
  page: Page,
  context: string,
  some: RunOptions,
): Promise<{ violations: string[]; passed: number }> {
  // The policy of the pages forbids scripts in them; what a debugger evaluates is none.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(axe);
  const options = JSON.stringify({ resultTypes: ["violations"], preload: false, ...some });
  const read = "({ violations, passes }) => ({ violations, passed: passes.length })";
  const found = await page.evaluate<{ violations: AxeResults["violations"]; passed: number }>(
    `axe.run(${context}, ${options}).then(${read})`,
  );
  const violations = found.violations.map(({ id, help, nodes }) => {
    const where = nodes.map(({ target, any }) => [target.join(" "), any[0]?.message].join(": ")).join(", ");
    return `${id}: ${help}: ${where}`;
  });
  return { violations, passed: found.passed };
}

/** Fails if the page is wider than the screen, with the outermost of what sticks out. */
export async function expectNoOverflow(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.body.querySelectorAll("*")].filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 1,
    );
    return [`${scrollWidth} px`, ...wide.slice(0, 5).map((element) => element.outerHTML.slice(0, 120))];
  });
  expect(overflow).toEqual([]);
}

/** Fails if much moved by itself since the page was opened: nothing may, but for what nobody sees. */
export async function expectNoShift(page: Page): Promise<void> {
  const live = page.locator("[data-live]");
  if ((await live.count()) > 0) await live.waitFor();
  const shifts = await page.evaluate(readShifts);
  const sum = shifts.reduce((total, { value }) => total + value, 0);
  expect(sum < shiftMax ? [] : shifts).toEqual([]);
}

async function keepPictures(page: Page, path: string): Promise<void> {
  await inTheDark(
    page,
    async () => void (await page.screenshot({ path: `${path}-dark.png`, fullPage: true })),
  );
  await page.screenshot({ path: `${path}-light.png`, fullPage: true });
}

/**
 * Ends the fading of colours that a change of the scheme begins: in between they are nobody's choice. What inherits a
 * colour begins to fade only when its parent has ended.
 */
async function endTransitions(): Promise<void> {
  // A script that follows the scheme hears of the change with the next frame.
  const frames = document.documentElement.dataset["theme"] === undefined ? 0 : 2;
  for (let frame = 0; frame < frames; frame++) await new Promise(requestAnimationFrame);
  for (;;) {
    const fading = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
    if (fading.length === 0) return;
    for (const transition of fading) transition.finish();
  }
}

/** Opens what is closed. */
function unfold(): void {
  for (const details of document.querySelectorAll<HTMLDetailsElement>("details:not([open])")) {
    details.open = true;
    details.dataset["unfolded"] = "";
  }
}

/**
 * Hides what is like three others beside it in all but its texts and values, such as the further rows of a table: axe takes
 * most of its time for them, and finds nothing else in them. Three, since it measures how far targets are from one another.
 */
function thinOut(): void {
  for (const parent of document.body.querySelectorAll("*")) {
    const counts = new Map<string, number>();
    for (const child of parent.children) {
      if (!(child instanceof HTMLElement)) continue;
      const outline = child.outerHTML
        .replaceAll(/>[^<]+/g, ">")
        .replaceAll(/ (?!class=|type=|role=)([\w-]+)="[^"]*"/g, " $1");
      const count = (counts.get(outline) ?? 0) + 1;
      counts.set(outline, count);
      if (count <= 3) continue;
      child.style.setProperty("display", "none", "important");
      child.dataset["thinnedOut"] = "";
    }
  }
}

/**
 * Leaves in `unlike` what has a text of its own, two of each look: what has the same place in the structure, the same
 * classes and the same colours in and behind it is read as well or as badly.
 * @param counts how many of each look there were before. @returns the look of each, a hash.
 */
function pickUnlike(counts: Record<string, number>): string[] {
  const elements = [...document.body.querySelectorAll("*")];
  const withText = new Set<Element>();
  for (const element of elements) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.nodeValue?.trim());
    if (hasText) withText.add(element);
  }
  const looksOf = new Map<Element, string>();
  const lookOf = (element: Element): string => {
    const known = looksOf.get(element);
    if (known !== undefined) return known;
    const { color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight } =
      getComputedStyle(element);
    const isOff = element.matches(":disabled, [aria-disabled=true], :has(:disabled)");
    const colours = [color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight];
    const own = [element.tagName, element.className, isOff, withText.has(element), ...colours];
    const text = [element.parentElement && lookOf(element.parentElement), ...own].join();
    // FNV-1a, twice: with one of 32 bits, two of some thousand looks would be taken for each other now and then.
    const hashes = [0x811c9dc5, 0x01000193].map((seed) => {
      let hash = seed;
      for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
      return hash >>> 0;
    });
    const look = hashes.join("-");
    looksOf.set(element, look);
    return look;
  };
  const unlike = elements.filter((element) => {
    if (!(withText.has(element) || element.matches("input, select, textarea"))) return false;
    if (element.closest("elements-api") !== null) return false;
    const look = lookOf(element);
    counts[look] = (counts[look] ?? 0) + 1;
    return counts[look] <= 2;
  });
  Object.assign(globalThis, { unlike });
  return unlike.map((element) => lookOf(element));
}

/** Closes what `unfold` opened, and shows what `thinOut` hid. */
function fold(): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-thinned-out]")) {
    element.style.removeProperty("display");
    delete element.dataset["thinnedOut"];
  }
  for (const details of document.querySelectorAll<HTMLDetailsElement>("details[data-unfolded]")) {
    details.open = false;
    delete details.dataset["unfolded"];
  }
}

type Shift = { value: number; moved: string[] };

/** Since the page was opened, including the frame that is drawn next. */
async function readShifts(): Promise<Shift[]> {
  type Entry = PerformanceEntry & { value: number; sources: { node: Element | null }[] };
  for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
  const observer = new PerformanceObserver(() => undefined);
  observer.observe({ type: "layout-shift", buffered: true });
  const entries = observer.takeRecords() as Entry[];
  observer.disconnect();
  // What the reader of the API moves within itself, while it loads, is not ours.
  const isReaders = ({ node }: Entry["sources"][number]): boolean =>
    node instanceof Element && node.closest("elements-api") !== null;
  return entries
    .filter(({ sources }) => sources.length === 0 || !sources.every(isReaders))
    .map(({ value, sources }) => ({
      value,
      moved: sources.map(({ node }) => node?.outerHTML?.slice(0, 120) ?? ""),
    }));
}
