import { describe, expect, it } from "vitest";
import { localPath } from "../../src/pages/local-path";

describe("where to go after signing in", () => {
  it.each(["/", "/webhooks/1", "/webhooks/1?status=dead&cursor=7", "/a//b", "/%2F%2Fevil.test"])(
    "may be %s",
    (path) => {
      expect(localPath(path)).toBe(path);
    },
  );

  it.each([
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
  ])("is the first page instead of %j", (path) => {
    expect(localPath(path)).toBe("/");
  });

  it("never leads to another host, as browsers read it", () => {
    for (const path of ["/a/../b", "/./a", "/a?x=//evil.test", "/a#//evil.test", "/:@evil.test"]) {
      expect(new URL(localPath(path), "https://gateway.test").host).toBe("gateway.test");
    }
  });
});
