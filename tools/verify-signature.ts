/** Verifies the signature of a delivery in a receiver. Copy it: it needs only Node. */
import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * Verifies `signature`, the header `X-Hub-Signature`: the HMAC-SHA256 of the body with the secret's UTF-8 bytes as key, in
 * lower-case hex. Pass the bytes of `body` as they were received: JSON that was parsed and serialized is another text.
 * @returns false when the signature does not match or the header is missing.
 */
export function verifySignature(delivery: {
  secret: string;
  body: Uint8Array;
  signature: string | undefined;
}): boolean {
  if (delivery.signature === undefined) return false;
  const expected = Buffer.from(createHmac("sha256", delivery.secret).update(delivery.body).digest("hex"));
  const given = Buffer.from(delivery.signature);
  // The comparison takes constant time, so that a signature cannot be guessed digit by digit.
  return given.length === expected.length && timingSafeEqual(given, expected);
}
