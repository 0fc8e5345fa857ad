/** Signatures of deliveries: Orchest's `X-Hub-Signature` and Standard Webhooks' `webhook-signature`. */

/** The imported keys of a secret, for many signatures. */
export type SigningKeys = {
  /** The secret's UTF-8 bytes (Orchest). */
  hub: CryptoKey;
  /**
   * The bytes that follow `whsec_` in base64; for any other secret, its UTF-8 bytes (Standard Webhooks, "Signature
   * scheme").
   */
  standard: CryptoKey;
};

const standardPrefix = "whsec_";
const encoder = new TextEncoder();

/** @param secret must not be empty: WebCrypto refuses an empty key. */
export async function importSigningKeys(secret: string): Promise<SigningKeys> {
  const hub = await importKey(encoder.encode(secret));
  const standard = standardKeyBytes(secret);
  return { hub, standard: standard === null ? hub : await importKey(standard) };
}

/** @returns the key bytes of a `whsec_` secret; null for any other secret, and when the rest is not valid base64. */
export function standardKeyBytes(secret: string): Uint8Array | null {
  if (!secret.startsWith(standardPrefix)) return null;
  try {
    const bytes = Uint8Array.fromBase64(secret.slice(standardPrefix.length));
    return bytes.length > 0 ? bytes : null;
  } catch {
    return null;
  }
}

/** @returns the HMAC-SHA256 of the exact body bytes, in lower-case hex, without a prefix. */
export async function hubSignature(keys: SigningKeys, body: Uint8Array): Promise<string> {
  return (await hmac(keys.hub, body)).toHex();
}

/**
 * @returns `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`.
 * @param timestamp of the attempt, in seconds since 1970.
 */
export async function standardSignature(
  keys: SigningKeys,
  message: { id: string; timestamp: number; body: Uint8Array },
): Promise<string> {
  const head = encoder.encode(`${message.id}.${message.timestamp}.`);
  const signed = new Uint8Array(head.length + message.body.length);
  signed.set(head);
  signed.set(message.body, head.length);
  return `v1,${(await hmac(keys.standard, signed)).toBase64()}`;
}

/** Whether `signature` is the body's `X-Hub-Signature` with this secret. Compares in constant time. */
export async function verifyHubSignature(
  secret: string,
  body: Uint8Array,
  signature: string,
): Promise<boolean> {
  if (!/^[0-9a-f]{64}$/.test(signature)) return false;
  const key = await importKey(encoder.encode(secret), "verify");
  return crypto.subtle.verify("HMAC", key, Uint8Array.fromHex(signature), body);
}

function importKey(bytes: Uint8Array, usage: "sign" | "verify" = "sign"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, [usage]);
}

async function hmac(key: CryptoKey, data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, data));
}
