/** What the other files hold pages against does find what is wrong. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { missing, sharedChromium } from "./chromium.ts";
import { FaultWatch } from "./faults.ts";
import { expectEverythingInReach } from "./keyboard.ts";
import { expectAccessible, expectGoodLooks, expectNoOverflow, expectNoShift } from "./looks.ts";

const origin = "http://127.0.0.1";
const title =
  '<!doctype html><html lang="en"><title>Page</title><style>:root { color-scheme: light dark }</style>';
const right = `${title}<main><h1>Page</h1><button>Press</button><details><summary>More</summary>Text</details></main>`;
const at = (media: string, css: string) =>
  `<style>@media (${media}) { .odd { ${css} } }</style><p class="odd">Text</p>`;
const within = (html: string) => right.replace("</main>", `${html}</main>`);
const rows = (odd: string) => `<ul>${"<li>Row</li>".repeat(9)}<li>${odd}</li></ul>`;
const listsNothing = "to deeply equal []";

describe.skipIf(missing !== null)("what holds for every page", () => {
  let page: Page;
  let watch: FaultWatch;
  let shown = "";
  beforeAll(async () => {
    const browser = await sharedChromium();
    const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
    watch = new FaultWatch(context, origin);
    await context.route("**", (route, request) =>
      request.url() === `${origin}/`
        ? route.fulfill({ contentType: "text/html", body: shown })
        : route.fulfill({ status: 404 }),
    );
    page = await context.newPage();
    return () => context.close();
  });

  test("finds that no page was looked at", () => {
    expect(() => watch.expectNone()).toThrow("to be greater than 0");
  });

  test("finds nothing wrong with a page that is right", async () => {
    await show(right);
    await expectNoShift(page);
    await expectGoodLooks(page, "right");
    await expectEverythingInReach(page);
    watch.expectNone();
  });

  test("finds what is not accessible in light, in the dark or unfolded, and what is wider than a telephone", async () => {
    const readableInLight = "color: light-dark(#000, #222); background: light-dark(#fff, #111)";
    for (const html of [
      `${right}<img src="data:,">`,
      `${right}<p style="color: #999; background: #aaa">Text</p>`,
      `${right}<p style="${readableInLight}">Text</p>`,
      right.replace("Text", '<p style="color: #eee; background: #fff">Text</p>'),
      `${right}<div style="width: 400px">Text</div>`,
    ]) {
      await show(html);
      await expect(expectGoodLooks(page, "wrong"), html).rejects.toThrow(listsNothing);
    }
  });

  test("finds what is wrong at one width only, and in one row of many that are alike but for it", async () => {
    const unreadable = "color: #999; background: #aaa";
    const unreadableInTheDark = "color: light-dark(#000, #222); background: light-dark(#fff, #111)";
    for (const html of [
      at("width < 400px", unreadable),
      at("width > 400px", unreadable),
      at("width < 400px", unreadableInTheDark),
      at("width > 400px", unreadableInTheDark),
      rows('<img src="data:,">'),
      rows(`<b class="odd" style="${unreadable}">Row</b>`),
      rows(`<span style="${unreadable}">Row</span>`),
      rows(`<b style="${unreadableInTheDark}">Row</b>`),
      `<div style="background: #aaa">${rows('<b style="color: #999">Row</b>')}</div>`,
      rows("<b>Row</b>").replace("<li><b>", '<li style="background: #222"><b>'),
    ]) {
      await show(within(html));
      await expect(expectGoodLooks(page, "wrong"), html).rejects.toThrow(listsNothing);
    }
    await show(within(rows("Row") + at("width > 1px", "color: #000; background: #fff")));
    await expectGoodLooks(page, "right");
  });

  test("finds what moves by itself after the page was opened", async () => {
    await show(right);
    await page.evaluate(async () => {
      for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
      document.body.insertAdjacentHTML("afterbegin", '<div style="height: 300px"></div>');
    });
    await expect(expectNoShift(page)).rejects.toThrow(listsNothing);
  });

  test("finds what the Tab key does not reach, not in order, or without showing it", async () => {
    for (const html of [
      '<div inert><a href="/">Elsewhere</a></div>',
      '<input aria-label="A"><input aria-label="B" tabindex="1">',
      "<style>:focus-visible { outline: none }</style>",
    ]) {
      await show(right + html);
      await expect(expectEverythingInReach(page), html).rejects.toThrow("to deeply equal");
    }
  });

  test("finds errors of scripts, warnings of the console, requests to anybody else and assets that are missing", async () => {
    for (const html of [
      "<script>undefined.x</script>",
      "<script>console.warn('x')</script>",
      '<img alt="" src="http://127.0.0.2/x.png">',
      '<img alt="" src="/missing.png">',
    ]) {
      await show(right + html);
      expect(() => watch.expectNone(), html).toThrow(listsNothing);
    }
  });

  test("finds that there was nothing to look at", async () => {
    await show(title);
    await expectNoOverflow(page);
    await expect(expectEverythingInReach(page)).rejects.toThrow("to not deeply equal []");
    await expect(expectAccessible(page, "document", { runOnly: ["color-contrast"] })).rejects.toThrow(
      "to be greater than 0",
    );
  });

  /** Shows a page of a site that has no other file. */
  async function show(html: string): Promise<void> {
    shown = html;
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(`${origin}/`);
  }
});
