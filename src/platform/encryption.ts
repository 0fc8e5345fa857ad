/**
 * Encryption of a webhook's secret settings: AES-256-GCM with a random nonce. The webhook's uuid is the associated data,
 * so that the settings of one row cannot be decrypted in another. A key id precedes the ciphertext, so that keys can be
 * rotated.
 */
import { ConfigurationError } from "./errors";

/**
 * The encrypted settings of a webhook. The URL is one of them, because anyone who knows the URL of a Slack webhook can
 * post to it.
 */
export type SecretSettings = {
  url: string;
  secret: string;
  /** Custom headers: values by name. */
  headers?: Record<string, string>;
  /** Format options, such as PagerDuty's routing key: values by name. */
  formatOptions?: Record<string, string>;
  /** The template of the format `template`. */
  template?: string;
  /** The previous secret, which also signs deliveries until `until` (ms). */
  previous?: PreviousSecret;
  /**
   * Whether the URL's host resolved to an address that is not public when the URL was set. Attempts do not resolve it
   * again.
   */
  isPrivate?: boolean;
};

/**
 * A secret that signs until `until` (ms). `hubSecret` signs `X-Hub-Signature`, which holds one signature only, until
 * then; absent: the new secret signs it.
 */
export type PreviousSecret = { secret: string; until: number; hubSecret?: string };

export { maskedValue } from "./masked-value";

const nonceBytes = 12;

/**
 * Encrypts with the first of `keys`.
 * @returns `keyId.base64url(nonce, ciphertext)`
 * @throws {ConfigurationError} when there is no key.
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
 * Decrypts the result of `encryptSettings`, with the key that its key id names.
 * @throws {ConfigurationError} when none of `keys` has that id, or when the ciphertext was changed or belongs to
 *   another webhook.
 */
export async function decryptSettings(
  keys: Uint8Array<ArrayBuffer>[],
  webhookUuid: string,
  encryptedSettings: string,
): Promise<SecretSettings> {
  const [id, text] = encryptedSettings.split(".");
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
    `No key in ENCRYPTION_KEY decrypts the settings of webhook ${webhookUuid}. Add the key that encrypted them after the new one, separated by a comma.`,
  );
}

function algorithm(iv: Uint8Array<ArrayBuffer>, webhookUuid: string): SubtleCryptoEncryptAlgorithm {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(webhookUuid) };
}

function importKey(key: Uint8Array<ArrayBuffer>, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, [usage]);
}

/** @returns the first 8 hex digits of the key's SHA-256. They identify a key without revealing it. */
export async function keyId(key: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", key));
  return digest.slice(0, 4).toHex();
}
