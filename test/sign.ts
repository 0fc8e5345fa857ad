/** Signatures, made independently of the gateway's code. */

/** HMAC-SHA256 of a text (its UTF-8 bytes) with a text as key, in lower-case hex: Orchest's `X-Hub-Signature`. */
export async function hmacHex(secret: string, body: string): Promise<string> {
  const digest = await hmac(new TextEncoder().encode(secret), body);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** HMAC-SHA256 of `id.timestamp.body` with a key, in base64 behind `v1,`: Standard Webhooks' signature. */
export async function standardSignatureOf(
  key: Uint8Array,
  message: { id: string; timestamp: string; body: string },
): Promise<string> {
  const digest = await hmac(key, `${message.id}.${message.timestamp}.${message.body}`);
  return `v1,${btoa(String.fromCodePoint(...digest))}`;
}

async function hmac(key: Uint8Array, text: string): Promise<Uint8Array> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text)));
}
