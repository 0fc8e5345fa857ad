/** What people meet who have no pointer. */
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

/** More than any page has to press through. */
const pressesMax = 300;

/** An element as it had the focus. `place`: among all elements; -1 when there was none left and the page is through. */
type Focus = { place: number; name: string; isShown: boolean };

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
  const met: Focus[] = [];
  for (let presses = 0; presses < pressesMax; presses++) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(readFocus);
    // A field for a time is several, one after the other.
    if (focus.place === met.at(-1)?.place) continue;
    if (focus.place === -1 || met.some(({ place }) => place === focus.place)) break;
    met.push(focus);
  }
  expect(met.filter(({ isShown }) => !isShown)).toEqual([]);
  const places = met.map(({ place }) => place);
  expect(places).toEqual(places.toSorted((one, other) => one - other));
  expect(usable.filter(({ place }) => !places.includes(place))).toEqual([]);
}

function readFocus(): Focus {
  const element = document.activeElement;
  if (element === null || element === document.body) return { place: -1, name: "", isShown: true };
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const hasRing = (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
  return {
    place: [...document.querySelectorAll("*")].indexOf(element),
    name: element.outerHTML.slice(0, 120),
    isShown: hasRing && box.width > 1 && box.height > 1,
  };
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
