/**
 * Encryption of what a webhook must keep to itself: AES-256-GCM with a random nonce, the webhook's uuid as
 * associated data (so that rows cannot be swapped) and a key id beside the ciphertext (so that keys can change).
 */
import { ConfigurationError } from "./errors";

/** What is encrypted of a webhook. The URL is a secret too: Slack's is all that it takes to post. */
export type SecretSettings = {
  url: string;
  secret: string;
  /** Custom headers, by name. */
  headers?: Record<string, string>;
  /** The secret before this one: it signs too, until a time in ms. */
  previous?: { secret: string; until: number };
};

export { maskedValue } from "./masked-value";

const nonceBytes = 12;

/**
 * Encrypts with the first of `keys`.
 * @returns `keyId.base64url(nonce, ciphertext)`
 */
export async function encryptSettings(
  keys: Uint8Array<ArrayBuffer>[],
  webhookUuid: string,
  settings: SecretSettings,
): Promise<string> {
  const [current] = keys;
  if (current === undefined) throw new ConfigurationError("ENCRYPTION_KEY is not set.");
  const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
  const ciphertext = await crypto.subtle.encrypt(
    algorithm(nonce, webhookUuid),
    await importKey(current, "encrypt"),
    new TextEncoder().encode(JSON.stringify(settings)),
  );
  const bytes = new Uint8Array([...nonce, ...new Uint8Array(ciphertext)]);
  return `${await keyId(current)}.${bytes.toBase64({ alphabet: "base64url", omitPadding: true })}`;
}

/**
 * Decrypts what `encryptSettings` made, with whichever of `keys` made it.
 * @throws {ConfigurationError} when no key fits or the text was changed or belongs to another webhook.
 */
export async function decryptSettings(
  keys: Uint8Array<ArrayBuffer>[],
  webhookUuid: string,
  sealed: string,
): Promise<SecretSettings> {
  const [id, text] = sealed.split(".");
  for (const key of keys) {
    if ((await keyId(key)) !== id) continue;
    try {
      const bytes = Uint8Array.fromBase64(text ?? "", { alphabet: "base64url" });
      const plain = await crypto.subtle.decrypt(
        algorithm(bytes.slice(0, nonceBytes), webhookUuid),
        await importKey(key, "decrypt"),
        bytes.slice(nonceBytes),
      );
      return JSON.parse(new TextDecoder().decode(plain)) as SecretSettings;
    } catch (cause) {
      throw new ConfigurationError(`The settings of webhook ${webhookUuid} were tampered with.`, {
        cause,
      });
    }
  }
  throw new ConfigurationError(
    `No key in ENCRYPTION_KEY fits the settings of webhook ${webhookUuid}. Put the key that encrypted them behind the new one, after a comma.`,
  );
}

function algorithm(iv: Uint8Array<ArrayBuffer>, webhookUuid: string): SubtleCryptoEncryptAlgorithm {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(webhookUuid) };
}

function importKey(key: Uint8Array<ArrayBuffer>, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, [usage]);
}

/** The first 8 hex digits of the key's SHA-256: tells keys apart, gives nothing away. */
export async function keyId(key: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", key));
  return digest.slice(0, 4).toHex();
}
