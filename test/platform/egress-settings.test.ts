import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/platform/config";
import { readEgresses } from "../../src/platform/egress-settings";
import { ConfigurationError } from "../../src/platform/errors";
import { forAll } from "../for-all";

const secret = "0123456789abcdef0123456789abcdef";
const relay = { name: "corp", url: "https://relay.example.com/", secret, for: ["private"] };

describe("the setting EGRESS", () => {
  it("is left out where there is no egress", () =>
    forAll([undefined, "", " ", "[]"], (EGRESS) => {
      expect(readConfig({ ...env, EGRESS }).egresses).toEqual([]);
    }));

  it("tells relays by URL, relays that dial out, and bindings, each for hosts or kinds of receivers", () => {
    const listed = [
      { ...relay, for: ["*.Corp.example", "private", "unverified"] },
      { name: "inside", secret, for: ["*"] },
      { name: "vpc", binding: "VPC", for: ["10.0.0.1"] },
      { name: "vpc-relay", binding: "VPC", url: "http://relay/", secret, for: ["private"] },
    ];
    expect(readEgresses(JSON.stringify(listed), false)).toEqual([
      {
        name: "corp",
        kind: "relay",
        url: "https://relay.example.com/",
        secret,
        binding: null,
        for: { hosts: ["*.corp.example"], isPrivate: true, isUnverified: true },
      },
      {
        name: "inside",
        kind: "dialOut",
        secret,
        for: { hosts: ["*"], isPrivate: false, isUnverified: false },
      },
      {
        name: "vpc",
        kind: "binding",
        binding: "VPC",
        for: { hosts: ["10.0.0.1"], isPrivate: false, isUnverified: false },
      },
      {
        name: "vpc-relay",
        kind: "relay",
        url: "http://relay/",
        secret,
        binding: "VPC",
        for: { hosts: [], isPrivate: true, isUnverified: false },
      },
    ]);
  });

  it("is refused with a sentence that names what is wrong, and no secret", () =>
    forAll<[name: string, value: unknown, message: RegExp]>(
      [
        ["no JSON", `{${secret}`, /it is not JSON/],
        ["no list", relay, /EGRESS must be a JSON list/],
        ["an unknown field", [{ ...relay, colour: "red" }], /0: Unrecognized key: "colour"/],
        ["no name", [{ ...relay, name: undefined }], /0\.name/],
        ["a name in capitals", [{ ...relay, name: "Corp" }], /0\.name: must be lower-case/],
        ["the name direct", [{ ...relay, name: "direct" }], /0\.name: must not be direct/],
        ["the same name twice", [relay, relay], /two entries have the same name/],
        ["a short secret", [{ ...relay, secret: secret.slice(1) }], /0\.secret: must have at least 32/],
        ["plain http", [{ ...relay, url: "http://relay.example.com" }], /corp: url must be an https URL/],
        ["a URL without a secret", [{ ...relay, secret: undefined }], /corp: give url and secret/],
        ["nothing to go by", [{ name: "corp", for: ["private"] }], /corp: give url and secret/],
        [
          "a binding with a secret only",
          [{ name: "corp", binding: "VPC", secret, for: ["*"] }],
          /corp: give/,
        ],
        ["for nothing", [{ ...relay, for: [] }], /0\.for: must name what it is for/],
        ["a pattern of another form", [{ ...relay, for: ["a.*"] }], /0\.for\.0: must be host names/],
      ],
      (_name, value, message) => {
        const text = typeof value === "string" ? value : JSON.stringify(value);
        const read = () => readEgresses(text, false);
        expect(read).toThrow(ConfigurationError);
        expect(read).toThrow(message);
        expect(read).not.toThrow(secret.slice(1));
      },
    ));

  it("may have plain http on the machine of a developer", () => {
    const listed = JSON.stringify([{ ...relay, url: "http://127.0.0.1:8788/" }]);
    expect(readEgresses(listed, true)).toMatchObject([{ url: "http://127.0.0.1:8788/" }]);
  });
});
