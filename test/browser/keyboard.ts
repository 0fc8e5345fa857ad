/** What people meet who have no pointer. */
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

/** More than any page has to press through. */
const pressesMax = 300;

/** How often in a row it is pressed: to look after each press takes longer than to press. */
const pressesAtOnce = 10;

/** An element as it got the focus. `place`: among all elements. */
type Focus = { place: number; name: string; isShown: boolean };

/** What the page notes for `expectEverythingInReach`. */
declare const focusNotes: Focus[];

/** Presses Tab until `wanted` has the focus, as somebody does who looks for it. */
export async function tabTo(page: Page, wanted: Locator): Promise<void> {
  await wanted.waitFor();
  await page.waitForLoadState();
  // Looked for once: by its role that takes longer than a press.
  const element = await wanted.elementHandle();
  for (let presses = 0; presses < pressesMax; presses++) {
    if (await page.evaluate((it) => it === document.activeElement, element)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${pressesMax} times Tab do not lead to ${String(wanted)}.`);
}

/** Goes through the page with Tab: everything that can be used gets the focus, in order, and shows that it has it. */
export async function expectEverythingInReach(page: Page): Promise<void> {
  const usable = await page.evaluate(readUsable);
  expect(usable).not.toEqual([]);
  await page.evaluate(noteFocus);
  let met: Focus[] = [];
  // Behind the last one the first one follows.
  for (let presses = 0; presses < pressesMax && met.length === onceEach(met).length;) {
    for (const end = presses + pressesAtOnce; presses < end; presses++) await page.keyboard.press("Tab");
    met = await page.evaluate(() => focusNotes);
  }
  const reached = onceEach(met);
  expect(reached.filter(({ isShown }) => !isShown)).toEqual([]);
  const places = reached.map(({ place }) => place);
  expect(places).toEqual(places.toSorted((one, other) => one - other));
  expect(usable.filter(({ place }) => !places.includes(place))).toEqual([]);
}

/** Up to the first that came before. */
function onceEach(met: Focus[]): Focus[] {
  const again = met.findIndex(({ place }, index) =>
    met.slice(0, index).some((other) => other.place === place),
  );
  return again === -1 ? met : met.slice(0, again);
}

/** Notes from now on what gets the focus, and how it looks then. */
function noteFocus(): void {
  const notes: Focus[] = [];
  Object.assign(globalThis, { focusNotes: notes });
  document.addEventListener("focusin", ({ target }) => {
    if (!(target instanceof Element)) return;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(target);
    const box = target.getBoundingClientRect();
    const hasRing = (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
    notes.push({
      place: [...document.querySelectorAll("*")].indexOf(target),
      name: target.outerHTML.slice(0, 120),
      isShown: hasRing && box.width > 1 && box.height > 1,
    });
  });
}

/** What can be clicked or filled in, and is there. */
function readUsable(): { place: number; name: string }[] {
  const all = [...document.querySelectorAll("*")];
  return (
    [...document.querySelectorAll<HTMLElement>("a[href], button, input, select, textarea, summary")]
      .filter((element) => element.checkVisibility({ visibilityProperty: true }))
      .filter((element) => !element.matches(":disabled, [tabindex='-1'], [type=hidden]"))
      // Of radio buttons the chosen one gets the focus; arrow keys lead to the others.
      .filter((element) => !element.matches("[type=radio]:not(:checked)"))
      .map((element) => ({ place: all.indexOf(element), name: element.outerHTML.slice(0, 120) }))
  );
}
