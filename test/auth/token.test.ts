import { describe, expect, it } from "vitest";
import { hashToken, isOfTokenForm, isSameHash, newToken } from "../../src/auth/token";

describe("a new token", () => {
  it("is owh_ and 32 random bytes in base64url", () => {
    const token = newToken();
    expect(token).toMatch(/^owh_[A-Za-z0-9_-]{43}$/);
    expect(Uint8Array.fromBase64(token.slice(4), { alphabet: "base64url" })).toHaveLength(32);
    expect(isOfTokenForm(token)).toBe(true);
  });

  it("is another one each time", () => {
    expect(new Set(Array.from({ length: 100 }, newToken)).size).toBe(100);
  });

  it.each(["", "owh_", `owh_${"a".repeat(42)}`, `owh_${"a".repeat(44)}`, `xyz_${"a".repeat(43)}`])(
    "never looks like %j",
    (text) => {
      expect(isOfTokenForm(text)).toBe(false);
    },
  );
});

describe("what is kept of a token", () => {
  it("is its SHA-256", async () => {
    // printf 'owh_example' | sha256sum
    expect(await hashToken("owh_example")).toEqual({
      prefix: "90186db40fa667f6",
      hash: "90186db40fa667f625942857ef0d1faf892ebb86c35b54acbe7220b57df34de7",
    });
  });

  it("fits that token and no other", async () => {
    const [one, same, other] = [await hashToken("a"), await hashToken("a"), await hashToken("b")];
    expect(isSameHash(one, same)).toBe(true);
    expect(isSameHash(one, other)).toBe(false);
  });

  it("fits none that only begins like it", async () => {
    const { prefix, hash } = await hashToken("a");
    expect(isSameHash({ prefix, hash }, { prefix, hash: `${hash.slice(0, -1)}x` })).toBe(false);
    expect(isSameHash({ prefix, hash }, { prefix, hash: hash.slice(0, -1) })).toBe(false);
  });
});
