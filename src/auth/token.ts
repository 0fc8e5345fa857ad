/** Generating and hashing API tokens. */

/** Lets secret scanners recognise leaked tokens. */
const tokenPrefix = "owh_";
const randomBytes = 32;
const form = /^owh_[A-Za-z0-9_-]{43}$/;

/** The SHA-256 of a token, in hex: the only part of it that is stored. */
export type TokenHash = {
  /** The first 16 digits. Tokens are searched for by these only, so that a query's timing reveals no more of the hash. */
  prefix: string;
  /** All digits, to be compared by `isSameHash`. */
  hash: string;
};

const prefixDigits = 16;

/** @returns a token with 256 random bits. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(randomBytes));
  return tokenPrefix + bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Whether a text has the form of tokens made by `newToken`. */
export function isOfTokenForm(text: string): boolean {
  return form.test(text);
}

/** @returns the hash of any text, whether or not it has the form of a token. */
export async function hashToken(token: string): Promise<TokenHash> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  const hash = new Uint8Array(digest).toHex();
  return { prefix: hash.slice(0, prefixDigits), hash };
}

/** Compares in constant time, so that timing reveals nothing about a token. */
export function isSameHash(a: TokenHash, b: TokenHash): boolean {
  const [left, right] = [a.hash, b.hash].map((hash) => new TextEncoder().encode(hash));
  if (left === undefined || right === undefined || left.length !== right.length) return false;
  return crypto.subtle.timingSafeEqual(left, right);
}
