/** API tokens as text: how they are made, and what is kept of them. */

/** By this, scanners of leaked secrets can tell them. */
const prefix = "owh_";
const randomBytes = 32;
const form = /^owh_[A-Za-z0-9_-]{43}$/;

/** What is kept of a token: its SHA-256, in hex. */
export type TokenHash = {
  /** Its first 16 digits. Tokens are looked up by these, and by no more. */
  start: string;
  /** All of it, to be compared by `isSameHash`. */
  hash: string;
};

const startDigits = 16;

/** @returns a token that nobody can guess. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(randomBytes));
  return prefix + bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Whether `newToken` may have made it. */
export function isOfTokenForm(text: string): boolean {
  return form.test(text);
}

export async function hashToken(token: string): Promise<TokenHash> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  const hash = new Uint8Array(digest).toHex();
  return { start: hash.slice(0, startDigits), hash };
}

/** Compares in constant time, so that timing tells nothing about a token. */
export function isSameHash(a: TokenHash, b: TokenHash): boolean {
  const [left, right] = [a.hash, b.hash].map((hash) => new TextEncoder().encode(hash));
  if (left === undefined || right === undefined || left.length !== right.length) return false;
  return crypto.subtle.timingSafeEqual(left, right);
}
