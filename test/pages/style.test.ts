import { describe, expect, it } from "vitest";
import servicePreview from "../../src/pages/assets/service-preview.css?raw";
import style from "../../src/pages/assets/style.css?raw";
import { forAll } from "../for-all";

const textRatio = 4.5;
/** Of what tells a control or the focus from its surroundings (WCAG 1.4.11). */
const controlRatio = 3;

const pairs: [front: string, backs: string[], ratio: number][] = [
  ["text", ["background", "surface", "sunken"], textRatio],
  ["muted", ["background", "surface", "sunken"], textRatio],
  ["accent", ["background", "surface", "sunken"], textRatio],
  ["accent-hover", ["background", "surface", "accent-soft"], textRatio],
  ["on-accent", ["accent", "accent-hover"], textRatio],
  ["good", ["good-soft", "surface"], textRatio],
  ["warn", ["warn-soft", "surface"], textRatio],
  ["bad", ["bad-soft", "surface", "background", "sunken"], textRatio],
  ["on-bad", ["bad", "bad-hover"], textRatio],
  ["control", ["surface", "background"], controlRatio],
  ["accent", ["surface", "background", "sunken", "accent-soft"], controlRatio],
];

const cases = pairs.flatMap(([front, backs, ratio]) => backs.map((back) => [front, back, ratio] as const));
const [light = "", dark = ""] = style.split("@media (prefers-color-scheme: dark)");

describe.each([
  ["light", colours(light)],
  ["dark", colours(dark.slice(0, dark.indexOf("/* Document */")))],
])("in the %s scheme", (_, palette) => {
  it("texts, controls and the focus have the contrast that WCAG 2.2 asks for", () =>
    forAll(cases, (front, back, ratio) => {
      expect(contrast(palette.get(front), palette.get(back))).toBeGreaterThanOrEqual(ratio);
    }));

  it("has every colour", () => {
    expect(palette.size).toBeGreaterThan(15);
    expect([...palette.keys()].toSorted()).toEqual([...colours(light).keys()].toSorted());
  });
});

describe("the preview of a message", () => {
  const [light = "", dark = ""] = servicePreview.split("@media (prefers-color-scheme: dark)");
  const end = dark.indexOf("\n}\n");

  it("has texts of the contrast that WCAG 2.2 asks for, in both schemes and for each service", () =>
    forAll([...palettesOf(light, "light"), ...palettesOf(dark.slice(0, end), "dark")], (name, palette) => {
      for (const [front, backs] of previewPairs) {
        for (const back of backs) {
          const ratio = contrast(palette.get(front), palette.get(back));
          expect(ratio, `${front} on ${back}, ${name}`).toBeGreaterThanOrEqual(textRatio);
        }
      }
    }));

  it("names no colour outside its palettes", () => {
    expect(dark.slice(end).match(/#[0-9a-f]{3,8}\b|rgb\(|hsl\(/gi)).toBeNull();
  });
});

const previewPairs = [
  ["ink", ["page", "card"]],
  ["quiet", ["page", "card"]],
  ["link", ["page", "card"]],
  ["push-ink", ["push"]],
  ["push-quiet", ["push"]],
] as const;

/** The colours of each service: those of all, and its own instead. */
function palettesOf(css: string, scheme: string): [string, Map<string, string>][] {
  const blocks = [...css.matchAll(/\.([a-z-]+) \{([^}]*--page[^}]*)\}/g)];
  const shared = colours(blocks[0]?.[2] ?? "");
  expect(blocks).toHaveLength(9);
  return blocks.map(([, name = "", own = ""]) => [
    `${name}, ${scheme}`,
    new Map([...shared, ...colours(own)]),
  ]);
}

it("asks for nothing from elsewhere", () => {
  expect(style + servicePreview).not.toMatch(/url\(|@import/);
});

it("names no colour outside its palette", () => {
  const rules = style.slice(style.indexOf("/* Document */"));
  expect(rules.match(/#[0-9a-f]{3,8}\b|rgb\(|hsl\(/gi)).toBeNull();
});

/** `--name: #rrggbb` by name. */
function colours(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/--([a-z-]+): #([0-9a-f]{6});/g)].map(([, name = "", hex = ""]) => [name, hex]),
  );
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(one = "", other = ""): number {
  const [lighter = 0, darker = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = Array.from(Uint8Array.fromHex(hex), (byte) => {
    const part = byte / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
