/** How a receiver knows that a delivery is genuine. Needs nothing but Node: copy this file. */
import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * Whether `signature`, the header `X-Hub-Signature`, was made of these bytes by someone who knows `secret`:
 * the HMAC-SHA256 of the body with the secret's UTF-8 bytes as key, in lower-case hex. Pass `body` exactly as
 * it arrived, before any parsing: JSON that was parsed and written again is another text. False when the
 * header is missing.
 */
export function verifySignature(delivery: {
  secret: string;
  body: Uint8Array;
  signature: string | undefined;
}): boolean {
  if (delivery.signature === undefined) return false;
  const expected = Buffer.from(createHmac("sha256", delivery.secret).update(delivery.body).digest("hex"));
  const given = Buffer.from(delivery.signature);
  // Compared in constant time, so that nobody can guess a signature digit by digit.
  return given.length === expected.length && timingSafeEqual(given, expected);
}
