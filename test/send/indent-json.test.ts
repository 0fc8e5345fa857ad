import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indentJson } from "../../src/send/indent-json";

describe("indenting JSON", () => {
  it("lays it out as JSON.stringify does with one space per level", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // JSON.stringify writes -0 as 0: here the text counts.
        const text = JSON.stringify(value);
        expect(indentJson(text)).toBe(JSON.stringify(JSON.parse(text), null, 1));
      }),
    );
  });

  it("does not depend on the white space that was there", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, 4, "\t", "\r\n"), (value, space) => {
        expect(indentJson(JSON.stringify(value, null, space))).toBe(indentJson(JSON.stringify(value)));
      }),
    );
  });

  it.each(["1.0", "12345678901234567890", "1e400", "-0", "0.10", "1E+2"])("keeps the number %s", (number) => {
    expect(indentJson(`{"n":${number},"list":[${number}]}`)).toBe(
      `{\n "n": ${number},\n "list": [\n  ${number}\n ]\n}`,
    );
  });

  it.each(['"{[,:]}"', '"\\""', '"\\\\"', '"a \\" b \\\\"', '"\\u0041 \u2028"', '" two  spaces "'])(
    "keeps the text %s",
    (text) => {
      expect(indentJson(`[${text}]`)).toBe(`[\n ${text}\n]`);
    },
  );

  it("writes empty brackets on one line", () => {
    expect(indentJson('{"a": [ ], "b": { }}')).toBe('{\n "a": [],\n "b": {}\n}');
  });

  it("takes a text of 100 KiB without trouble, also one of backslashes", () => {
    const text = JSON.stringify("\\".repeat(50_000));
    expect(indentJson(text)).toBe(text);
  });
});
