import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrayElements, objectMember } from "../../src/events/json-text";
import { forAll } from "../for-all";

const space = fc.constantFrom("", " ", "\n", "\t\r\n ");
const value = fc.jsonValue().map((json) => JSON.stringify(json));

describe("the elements of an array", () => {
  it("are found as they are written, whatever they are and whatever white space is around them", () => {
    fc.assert(
      fc.property(fc.array(value), space, space, (texts, before, after) => {
        const array = `${before}[${texts.map((text) => before + text + after).join(",")}${after}]${after}`;
        expect(arrayElements(array)).toEqual(texts);
      }),
    );
  });

  it("are as many as JSON.parse finds, and mean the same", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(0, 1, 4), (array, indent) => {
        const text = JSON.stringify(array, null, indent);
        expect(arrayElements(text).map((element) => JSON.parse(element) as unknown)).toEqual(
          JSON.parse(text),
        );
      }),
    );
  });

  it("are found as they are written", () =>
    forAll(
      [
        ["[]", []],
        [" [ ] ", []],
        ["[[]]", ["[]"]],
        ["[1.0,2e3]", ["1.0", "2e3"]],
        ['["],[", "\\"]", "\\\\"]', ['"],["', '"\\"]"', '"\\\\"']],
        ['[{"a":[1,2]},[3,[4]]]', ['{"a":[1,2]}', "[3,[4]]"]],
      ],
      (text, elements) => {
        expect(arrayElements(text)).toEqual(elements);
      },
    ));

  it("of an array as large as a body may be are found in one go", () => {
    const element = JSON.stringify("[".repeat(10_000));
    expect(arrayElements(`[${Array.from({ length: 100 }, () => element).join(",")}]`)).toHaveLength(100);
  });
});

describe("a member of an object", () => {
  it("is found as it is written, and means what JSON.parse says", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1), (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        for (const key of Object.keys(object)) {
          const member = objectMember(text, key);
          expect(JSON.parse(member ?? "")).toEqual((JSON.parse(text) as Record<string, unknown>)[key]);
        }
      }),
    );
  });

  it("is found where another tool would find it, or not at all", () =>
    forAll(
      [
        ['{"event":1.0}', "1.0"],
        ['{ "event" : { "a" : 1 } }', '{ "a" : 1 }'],
        ['{"delivered_for":{"event":1},"event":2}', "2"],
        ['{"event":1,"event":2}', "2"],
        ['{"\\u0065vent":3}', "3"],
        ['{"a":"\\"event\\":4","event":5}', "5"],
        ['{"x\\\\":1,"event":6}', "6"],
        ['{"event":"a:b,c}"}', '"a:b,c}"'],
        ["{}", null],
        ['{"events":1}', null],
        ['{"a":{"event":1}}', null],
      ],
      (text, member) => {
        expect(objectMember(text, "event")).toBe(member);
      },
    ));
});
