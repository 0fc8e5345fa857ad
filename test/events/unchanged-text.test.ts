import { describe, expect, it, vi } from "vitest";
import { archived, eventTextIn, makeListener, publish } from "../event";
import { forAll } from "../for-all";
import { receiver } from "../receiver";

const head = '"uuid":"0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d","type":"project:created"';
const time = '"timestamp":"2022-06-02 16:12:25.242592+00:00"';

/** Texts of events that a program would write differently after reading them. */
const texts = [
  ["keys in no order", `{"z":1,${time},"a":{"y":2,"b":3},${head}}`],
  ["numbers as they are written", `{${head},${time},"numbers":[1.0,1e3,-0,0.10,1E+2]}`],
  ["an integer beyond 2^53", `{${head},${time},"big":12345678901234567890}`],
  ["letters of all scripts", `{${head},${time},"name":"Größe 語 🔥 é e\u0301 \u2028 \ufeff"}`],
  ["escapes that need not be", `{${head},${time},"name":"\\u0041\\/\\u00e9\\ud83d\\ude00"}`],
  ["a half of a surrogate pair", `{${head},${time},"name":"\\ud83d"}`],
  ["an escaped NUL", `{${head},${time},"name":"a\\u0000b"}`],
  ["white space inside", `{ ${head} ,\n\t${time},\r\n "list" : [ 1 , 2 ] }`],
  ["keys that come twice", `{${head},${time},"key":1,"key":2}`],
  ["a prototype among its keys", `{${head},${time},"__proto__":{"admin":true},"constructor":null}`],
  ["brackets and quotes in its texts", `{${head},${time},"name":"}],\\"[{,","[":"]"}`],
  ["an array nested 1,000 levels deep", `{${head},${time},"deep":${"[".repeat(1000)}${"]".repeat(1000)}}`],
] as const;

/** Another event, around the one that matters. */
const other = (place: number): string =>
  `{"uuid":"${crypto.randomUUID()}","type":"project:created",${time},"n":${place}}`;

/** The texts, each with a uuid of its own. */
function freshTexts(): [what: string, text: string][] {
  return texts.map(([what, text]) => [
    what,
    text.replace(/"uuid":"[^"]+"/, `"uuid":"${crypto.randomUUID()}"`),
  ]);
}

describe("an event arrives, and is archived, character for character:", () => {
  it("alone", async () => {
    const { received } = receiver();
    await makeListener();
    await forAll(freshTexts(), async (_, text) => {
      received.splice(0);
      expect((await publish(text)).status).toBe(202);
      await vi.waitFor(() => expect(received).toHaveLength(1));
      expect(eventTextIn(received[0]?.body ?? "")).toBe(text);
      expect((await archived()).map(({ body }) => body)).toContain(text);
    });
  });

  it("between others in an array", async () => {
    const { received } = receiver();
    await makeListener();
    await forAll(freshTexts(), async (_, text) => {
      received.splice(0);
      const array = [other(1), text, other(2)];
      expect((await publish(` [\n${array.join(" ,\t")}\r\n] `)).status).toBe(202);
      await vi.waitFor(() => expect(received).toHaveLength(3));
      expect(received.map(({ body }) => eventTextIn(body))).toEqual(array);
    });
  });

  it("in a form", async () => {
    const { received } = receiver();
    await makeListener({ content_type: "application/x-www-form-urlencoded" });
    await forAll(freshTexts(), async (_, text) => {
      received.splice(0);
      await publish(text);
      await vi.waitFor(() => expect(received).toHaveLength(1));
      expect(new URLSearchParams(received[0]?.body).get("event")).toBe(text);
    });
  });

  it("without the white space around it", async () => {
    const [, text] = texts[0];
    expect((await publish(`\n\t ${text} \r\n`)).status).toBe(202);
    expect((await archived())[0]?.body).toBe(text);
  });
});
