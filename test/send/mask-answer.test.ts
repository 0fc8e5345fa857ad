import { describe, expect, it } from "vitest";
import type { AttemptResult } from "../../src/send/attempt";
import { maskFor } from "../../src/send/mask-answer";
import type { SecretSettings } from "../../src/platform/encryption";
import { forAll } from "../for-all";

const settings = {
  url: "https://hooks.example.com/services/T000/XXXX?token=abcdefgh",
  secret: 'quoted "secret" ü',
  previous: { secret: "the-one-before", until: 0 },
  headers: { Authorization: "Bearer top-secret", "X-Short": "1" },
  formatOptions: { routing_key: "R0UT1NGKEY", severity: "critical" },
};

const masks = new Map<SecretSettings, ReturnType<typeof maskFor>>();
const maskOf = (of: SecretSettings): ReturnType<typeof maskFor> => {
  const mask = masks.get(of) ?? maskFor(of);
  masks.set(of, mask);
  return mask;
};

function masked(
  responseBody: string,
  responseHeaders: Record<string, string> = {},
  of: SecretSettings = settings,
): AttemptResult {
  return maskOf(of)({
    startedAt: 1,
    durationMs: 2,
    egress: null,
    status: 200,
    error: null,
    responseHeaders,
    responseBody,
    retryAfterMs: null,
  });
}

describe("what a receiver repeats of a webhook's secrets", () => {
  it.each([
    ["the URL", settings.url, "https://hooks.example.com********"],
    ["its path", "no such hook: /services/T000/XXXX", "no such hook: ********"],
    ["its query", "with token=abcdefgh", "with ********"],
    ["a value of its query", "token abcdefgh is unknown", "token ******** is unknown"],
    ["the secret", `is it ${settings.secret}?`, "is it ********?"],
    ["the secret in JSON", JSON.stringify({ secret: settings.secret }), '{"secret":"********"}'],
    ["the secret in a URL", `?s=${encodeURIComponent(settings.secret)}&`, "?s=********&"],
    ["the secret before it", "the-one-before, twice: the-one-before", "********, twice: ********"],
    ["a header", '{"Authorization":"Bearer top-secret"}', '{"Authorization":"********"}'],
    ["a header's credentials", "who is top-secret?", "who is ********?"],
    ["a secret option of its format", '"routing_key":"R0UT1NGKEY"', '"routing_key":"********"'],
    ["the beginning of a secret, where the answer was cut", "who is top-sec", "who is ********"],
  ])("is masked in its answer: %s", (_, body, shown) => {
    expect(masked(body).responseBody).toBe(shown);
  });

  it("is masked in its headers, such as a redirect's Location", () => {
    const { responseHeaders } = masked("", { location: settings.url, server: "nginx" });
    expect(responseHeaders).toEqual({ location: "https://hooks.example.com********", server: "nginx" });
  });

  it.each(["", "ok", "1", "no secrets here", "T000", "token", "critical", '{"status":1}'])(
    "is nothing in %j, which stays as it is",
    (body) => {
      expect(masked(body).responseBody).toBe(body);
    },
  );

  it("changes nothing else of what came of the attempt", () => {
    expect(masked("ok")).toMatchObject({ startedAt: 1, durationMs: 2, status: 200, error: null });
  });
});

/** Everything of it that a receiver may repeat; `pad==secret/b` is how a framework shows a segment of its path. */
const repeated: SecretSettings = {
  url: "https://hooks.example.com/services/T0AAAA/B0BBBB/longSecretSegment/pad%3D%3Dsecret%2Fb?sig=q%2Bu%2Fery%26value%3D&v=1",
  secret: 'it\'s "quoted" & <tagged> \\ ü €',
  headers: {
    Authorization: "Bearer to/p&s'ecret-va\"lue==",
    "X-Login": `Basic ${btoa("somebody:pass/word+1")}`,
  },
};
const plainSecrets = [
  "/services/T0AAAA/B0BBBB/longSecretSegment/pad%3D%3Dsecret%2Fb",
  "/services/T0AAAA/B0BBBB/longSecretSegment/pad==secret/b",
  // As an application shows it that was mounted at a part of it.
  "T0AAAA/B0BBBB/longSecretSegment/pad==secret/b",
  "longSecretSegment",
  "pad==secret/b",
  "q+u/ery&value=",
  repeated.secret,
  "Bearer to/p&s'ecret-va\"lue==",
  "to/p&s'ecret-va\"lue==",
  "somebody:pass/word+1",
  "pass/word+1",
];

const each = (pattern: RegExp, encode: (character: string) => string) => (text: string) =>
  text.replaceAll(pattern, encode);
const code = (character: string, radix: number, digits: number): string =>
  (character.codePointAt(0) ?? 0).toString(radix).padStart(digits, "0");
const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];
const perByte = (text: string, encode: (byte: string) => string): string =>
  bytes(text)
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[a-z\d]/i.test(character) ? character : encode(byte.toString(16).padStart(2, "0"));
    })
    .join("");
const toBase64 = (text: string): string => new TextEncoder().encode(text).toBase64();
const toHex = (text: string): string => new TextEncoder().encode(text).toHex();
const json = (text: string): string => JSON.stringify(text).slice(1, -1);
const php = (text: string): string => json(text).replaceAll("/", String.raw`\/`);
const html = each(/[&<>"']/g, (character) => `&#${code(character, 10, 1)};`);

/** What base64 and UTF-16 have behind the last character is not theirs to mask. */
const withoutPadding = (text: string): string => text.replaceAll(/[=\r\n\0]+(?=>|$)/g, "");

const encodings: [name: string, encode: (text: string) => string][] = [
  ["none", (text) => text],
  ["in capitals", (text) => text.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase())],
  ["JSON", json],
  ["JSON of PHP", php],
  ["JSON in ASCII", (text) => each(/[^ -~]/gu, (c) => String.raw`\u${code(c, 16, 4)}`)(php(text))],
  [
    "JSON for HTML (Go, Rails, .NET)",
    (text) => each(/[<>&'+]/g, (c) => String.raw`\u${code(c, 16, 4).toUpperCase()}`)(json(text)),
  ],
  ["JSON in JSON", (text) => php(php(text))],
  ["all of it as \\u", each(/./gsu, (c) => String.raw`\u${code(c, 16, 4)}`)],
  ["all of it as \\u{}", each(/./gsu, (c) => String.raw`\u{${code(c, 16, 1)}}`)],
  ["all of it as \\U", each(/./gsu, (c) => String.raw`\U${code(c, 16, 8)}`)],
  ["bytes of Python", (text) => perByte(text, (hex) => String.raw`\x${hex}`)],
  ["octal", (text) => perByte(text, (hex) => `\\${Number.parseInt(hex, 16).toString(8).padStart(3, "0")}`)],
  ["quoted for a shell", each(/[^\w\s]/gu, (c) => `\\${c}`)],
  ["URL", encodeURIComponent],
  ["URL, small letters", (text) => perByte(text, (hex) => `%${hex}`)],
  ["URL, twice", (text) => encodeURIComponent(encodeURIComponent(text))],
  ["form", (text) => new URLSearchParams({ "": text }).toString().slice(1)],
  ["escape() of JavaScript", each(/[^\w]/gu, (c) => `%u${code(c, 16, 4)}`)],
  ["HTML", html],
  ["HTML, hexadecimal", each(/[^\w]/gu, (c) => `&#x${code(c, 16, 1)};`)],
  ["HTML, hexadecimal with zeros", each(/[^\w]/gu, (c) => `&#X${code(c, 16, 4).toUpperCase()};`)],
  [
    "HTML, by name",
    each(/[&<>"'/=ü:+]/g, (c) => {
      const names: Record<string, string> = {
        "&": "amp",
        "<": "lt",
        ">": "gt",
        '"': "quot",
        "'": "apos",
        "/": "sol",
        "=": "equals",
        ü: "uuml",
        ":": "colon",
        "+": "plus",
      };
      return `&${names[c]};`;
    }),
  ],
  ["HTML, twice", (text) => html(html(text))],
  ["JSON in HTML", (text) => html(php(text))],
  ["HTML in JSON", (text) => php(html(text))],
  ["URL in HTML in JSON", (text) => php(html(encodeURIComponent(text)))],
  [
    "quoted-printable",
    (text) => perByte(text, (hex) => `=${hex.toUpperCase()}`).replace(/^(?:=..|.)/, "$&=\r\n"),
  ],
  ["base64", toBase64],
  [
    "base64 for URLs",
    (text) => new TextEncoder().encode(text).toBase64({ alphabet: "base64url", omitPadding: true }),
  ],
  ["base64 in lines", (text) => toBase64(text).replaceAll(/.{8}/g, "$&\r\n")],
  ["hexadecimal", toHex],
  ["hexadecimal, in capitals", (text) => toHex(text).toUpperCase()],
  ["UTF-16", each(/[ -~]/g, (c) => `${c}\0`)],
  ["UTF-8 taken for Latin 1", (text) => String.fromCharCode(...bytes(text))],
];

describe("a secret that a receiver sends back in an encoding", () => {
  it("is masked, all of it and nothing else", () =>
    forAll(encodings, (_, encode) => {
      for (const secret of plainSecrets) {
        const [before, after] = ["no route: <", "> | 1"];
        const { responseBody, responseHeaders } = masked(
          before + encode(secret) + after,
          { location: encode(secret), server: "nginx" },
          repeated,
        );
        expect(withoutPadding(responseBody), secret).toBe(`${before}********${after}`);
        expect(responseHeaders["server"]).toBe("nginx");
        expect(withoutPadding(responseHeaders["location"] ?? ""), secret).toBe("********");
      }
    }));

  it("is masked as far as the end of the kept text left it, wherever that cuts it", () =>
    forAll(encodings, (_, encode) => {
      const [word] = ["longSecretSegment"];
      const encoded = encode(`${word}/pad==secret/b`);
      const known = encode(word.slice(0, 6)).length + 4;
      for (let length = known; length < encoded.length; length++) {
        const { responseBody } = masked(`no route: ${encoded.slice(0, length)}`, {}, repeated);
        expect(withoutPadding(responseBody), String(length)).toBe("no route: ********");
      }
    }));

  it("is masked as far as the beginning of the kept text left it, wherever that cuts it", () =>
    forAll(encodings, (_, encode) => {
      const encoded = encode("longSecretSegment/pad==secret/b");
      const known = encode("cret/b").length + 8;
      for (let length = known; length < encoded.length; length++) {
        const { responseBody } = masked(`${encoded.slice(-length)}> no route`, {}, repeated);
        expect(withoutPadding(responseBody).trimStart(), String(length)).toBe("********> no route");
      }
    }));

  it.each([
    ["JSON in base64", toBase64(`{"path":"${php(plainSecrets[0] ?? "")}"}`), /^eyJw\w{2,12}\*{8}[\w=]{1,4}$/],
    ["base64 in a URL", encodeURIComponent(toBase64("?longSecretSegment?")), /^\w\*{8}/],
  ])("is masked within more that is encoded: %s", (_, body, shown) => {
    expect(masked(body, {}, repeated).responseBody).toMatch(shown);
  });

  it("leaves ordinary words of a path, and text that looks encoded, as they are", () => {
    const of = {
      url: "https://hooks.example.com/api/v1/services/incoming-webhooks/XQ7f9Kk2?v=1",
      secret: "quite-another-secret",
      headers: { Authorization: "Bearer top-secret" },
    };
    return forAll(
      [
        "api",
        "No route /api/v1/services here",
        "No such hook at /api/v1/services/incoming-webhooks",
        "services",
        "incoming-webhooks",
        '{"path":"\\/api\\/v1","ok":true}',
        "Bearer",
        "expected a Bearer",
        "100% of %zz &nosuch; &#99999999; \\u00 \\q =\r\n=C3 dGhpcyBpcyBub3RoaW5n 0123456789abcdef",
        "\\",
        "%",
        "&",
      ],
      (body) => {
        expect(masked(body, { "x-path": body }, of)).toMatchObject({
          responseBody: body,
          responseHeaders: { "x-path": body },
        });
      },
    );
  });
});
