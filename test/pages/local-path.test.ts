import { describe, expect, it } from "vitest";
import { localPath } from "../../src/pages/local-path";
import { forAll } from "../for-all";

describe("where to go after signing in", () => {
  it("may be a path of this site", () =>
    forAll(["/", "/webhooks/1", "/webhooks/1?status=dead&cursor=7", "/a//b", "/%2F%2Fevil.test"], (path) => {
      expect(localPath(path)).toBe(path);
    }));

  it("is the first page instead of anything else", () =>
    forAll(
      [
        undefined,
        1,
        {},
        "",
        "webhooks",
        "//evil.test",
        "//evil.test/webhooks",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/.//evil.test",
        "/..//evil.test",
        "/a/..//evil.test",
        "/%2e%2e//evil.test",
        "https://evil.test",
        "https:evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        " //evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "\t//evil.test",
        "/webhooks\r\nSet-Cookie: a=b",
        "/é",
      ],
      (path) => {
        expect(localPath(path)).toBe("/");
      },
    ));

  it("never leads to another host, as browsers read it", () => {
    for (const path of ["/a/../b", "/./a", "/a?x=//evil.test", "/a#//evil.test", "/:@evil.test"]) {
      expect(new URL(localPath(path), "https://gateway.test").host).toBe("gateway.test");
    }
  });
});
