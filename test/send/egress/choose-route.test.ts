import { describe, expect, it } from "vitest";
import { readEgresses } from "../../../src/platform/egress-settings";
import { chooseRoute, type RouteTarget } from "../../../src/send/egress/choose-route";
import { forAll } from "../../for-all";

const secret = "0123456789abcdef0123456789abcdef";
const rules = { allowPrivateTargets: false, allowHttpTargets: true, gatewayHosts: ["gateway.example.com"] };
const publicUrl = "https://hooks.example.com/";
const resolved = "The host resolves to an address that is not public.";

/** @param listed `name: what it is for`. @returns what became of the target: the egress's name, `direct` or the refused field. */
function route(listed: Record<string, string[]>, url: string, target: Partial<RouteTarget> = {}): string {
  const setting = Object.entries(listed).map(([name, fits]) => ({ name, secret, for: fits }));
  const egresses = readEgresses(JSON.stringify(setting), false);
  const wanted = { url: new URL(url), verifySsl: true, egress: null, resolved: null, ...target };
  const chosen = chooseRoute(wanted, { ...rules, egresses });
  if (chosen.kind === "refused") return `refused: ${chosen.field}`;
  return chosen.kind === "egress" ? chosen.egress.name : "direct";
}

describe("a route", () => {
  it("is direct where that reaches the receiver, and the first egress that fits where it does not", () =>
    forAll<[Record<string, string[]>, string, Partial<RouteTarget>, string]>(
      [
        [{}, publicUrl, {}, "direct"],
        [{}, "http://hooks.example.com/", { verifySsl: false }, "direct"],
        [{}, publicUrl, { verifySsl: false }, "refused: verify_ssl"],
        [{}, "https://10.0.0.1/", {}, "refused: url"],
        [{}, publicUrl, { resolved }, "refused: url"],
        [{ any: ["private", "unverified"] }, publicUrl, {}, "direct"],
        [{ any: ["private", "unverified"] }, publicUrl, { verifySsl: false }, "any"],
        [{ any: ["private", "unverified"] }, "https://10.0.0.1/", { verifySsl: false }, "any"],
        [{ inner: ["private"] }, "https://10.0.0.1/", {}, "inner"],
        [{ inner: ["private"] }, "http://intranet/", {}, "inner"],
        [{ inner: ["private"] }, "https://[fd00::1]/", {}, "inner"],
        [{ inner: ["private"] }, publicUrl, { resolved }, "inner"],
        [{ inner: ["private"] }, publicUrl, { verifySsl: false }, "refused: verify_ssl"],
        [{ inner: ["private"] }, "https://10.0.0.1/", { verifySsl: false }, "refused: url"],
        [{ lax: ["unverified"] }, "https://10.0.0.1/", { verifySsl: false }, "refused: url"],
        [{ lax: ["unverified"], inner: ["private"] }, "https://10.0.0.1/", {}, "inner"],
        [{ fixed: ["*"] }, publicUrl, {}, "fixed"],
        [{ fixed: ["hooks.example.com"] }, "https://HOOKS.example.com./", {}, "fixed"],
        [{ fixed: ["*.example.com"] }, publicUrl, {}, "fixed"],
        [{ fixed: ["*.example.com"] }, "https://example.com/", {}, "direct"],
        [{ fixed: ["*.example.com"] }, "https://badexample.com/", {}, "direct"],
        [{ fixed: ["*.example.com"] }, publicUrl, { verifySsl: false }, "refused: verify_ssl"],
        // An egress for everything opens no network by accident; one that names the host does.
        [{ fixed: ["*"] }, "https://10.0.0.1/", {}, "refused: url"],
        [{ corp: ["*.corp.internal"] }, "https://hooks.corp.internal/", {}, "corp"],
        [{ first: ["*"], second: ["*"] }, publicUrl, {}, "first"],
      ],
      (listed, url, target, expected) => expect(route(listed, url, target)).toBe(expected),
    ));

  it("is the one that the webhook names, as far as that is for such receivers", () =>
    forAll<[string | null, string, Partial<RouteTarget>, string]>(
      [
        ["inner", publicUrl, {}, "inner"],
        ["inner", "https://10.0.0.1/", {}, "inner"],
        ["inner", publicUrl, { verifySsl: false }, "refused: verify_ssl"],
        ["lax", "https://10.0.0.1/", {}, "refused: url"],
        ["lax", publicUrl, { verifySsl: false }, "lax"],
        ["direct", publicUrl, {}, "direct"],
        ["direct", publicUrl, { verifySsl: false }, "refused: verify_ssl"],
        ["direct", "https://10.0.0.1/", {}, "refused: url"],
        ["gone", publicUrl, {}, "refused: egress"],
        ["toString", publicUrl, {}, "refused: egress"],
      ],
      (egress, url, target, expected) => {
        const listed = { inner: ["private"], lax: ["unverified"] };
        expect(route(listed, url, { ...target, egress })).toBe(expected);
      },
    ));

  it("is none for what nobody may call, through an egress neither", () =>
    forAll(
      ["ftp://10.0.0.1/", "https://user:password@hooks.example.com/", "https://gateway.example.com/"],
      (url) => {
        const all = { all: ["*", "private", "unverified", "gateway.example.com"] };
        expect(route(all, url)).toBe("refused: url");
        expect(route(all, url, { egress: "all" })).toBe("refused: url");
      },
    ));
});
