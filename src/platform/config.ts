/** The deployment's settings, read once from the environment and checked. */
import { hostOf } from "./host-name";
import { ConfigurationError } from "./errors";

/** What the environment says, parsed. Secrets stay in here: never log it, never answer with it. */
export type Config = {
  /** Whether webhooks may point at any host: local use only. */
  allowPrivateTargets: boolean;
  /** Whether webhooks may have `http:` URLs beside `https:`. */
  allowHttpTargets: boolean;
  /** Host names of the gateway itself, in lower case: a delivery to one of them would come back in. */
  gatewayHosts: readonly string[];
  /** Tokens that may call the API. */
  apiTokens: string[];
  /** AES-256 keys, 32 bytes each: the first one encrypts, all of them decrypt. */
  encryptionKeys: Uint8Array<ArrayBuffer>[];
  /** The secret of the webhook in Orchest that feeds this gateway. */
  orchestIngestSecret: string;
  /** How long delivered deliveries are kept, in days. */
  deliveryDays: number;
  /** How long dead letters are kept, in days: never shorter. */
  deadLetterDays: number;
  /** How long the archive of events reaches back, in days: never longer than deliveries. */
  archiveDays: number;
  /** What the archive may take in D1, in bytes. */
  archiveBytesMax: number;
  /** Cloudflare Access in front of the pages; null: none. `issuer`: its team's origin. */
  access: { issuer: string; audience: string } | null;
};

const encryptionKeyBytes = 32;
/** What is random and this long is out of reach of guesses over the network. */
const secretCharactersMin = 16;

/** @throws {ConfigurationError} naming the setting that is missing or malformed. */
export function readConfig(env: Env): Config {
  const deliveryDays = positive("DELIVERY_DAYS", env.DELIVERY_DAYS);
  return {
    apiTokens: hardToGuess("API_TOKENS", commaSeparated("API_TOKENS", env.API_TOKENS)),
    encryptionKeys: commaSeparated("ENCRYPTION_KEY", env.ENCRYPTION_KEY).map(parseKey),
    orchestIngestSecret: hardToGuess("ORCHEST_INGEST_SECRET", [
      commaSeparated("ORCHEST_INGEST_SECRET", env.ORCHEST_INGEST_SECRET).join(","),
    ]).join(","),
    allowPrivateTargets: env.ALLOW_PRIVATE_TARGETS === "true",
    allowHttpTargets: (env.ALLOW_HTTP_TARGETS ?? "true") === "true",
    gatewayHosts: hostNames(env.GATEWAY_HOSTS),
    deliveryDays,
    deadLetterDays: Math.max(positive("DEAD_LETTER_DAYS", env.DEAD_LETTER_DAYS), deliveryDays),
    archiveDays: Math.min(positive("ARCHIVE_DAYS", env.ARCHIVE_DAYS), deliveryDays),
    archiveBytesMax: positive("ARCHIVE_GIGABYTES", env.ARCHIVE_GIGABYTES) * 1e9,
    access: readAccess(env),
  };
}

/** Half of it would look like protection and be none. */
function readAccess({ ACCESS_TEAM_DOMAIN, ACCESS_AUD }: Env): Config["access"] {
  const [domain, audience] = [ACCESS_TEAM_DOMAIN, ACCESS_AUD].map((value) => (value ?? "").trim());
  if (!domain && !audience) return null;
  const url = URL.parse(/^https?:/.test(domain ?? "") ? (domain ?? "") : `https://${domain}`);
  if (audience && domain && url?.protocol === "https:" && url.pathname === "/") {
    return { issuer: url.origin, audience };
  }
  throw new ConfigurationError(
    "ACCESS_TEAM_DOMAIN and ACCESS_AUD belong together: https://<team>.cloudflareaccess.com and the audience tag.",
  );
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new ConfigurationError(`${name} must be a number above 0.`);
}

/** A secret that was never set is undefined at run time, whatever the generated types say. */
function commaSeparated(name: string, value: string | undefined): string[] {
  const parts = (value ?? "").split(",").map((part) => part.trim());
  const present = parts.filter((part) => part !== "");
  if (present.length === 0) {
    throw new ConfigurationError(`${name} is not set. Set it with: wrangler secret put ${name}`);
  }
  return present;
}

/** No limit keeps short ones from being guessed in the end. */
function hardToGuess(name: string, secrets: string[]): string[] {
  if (secrets.every((secret) => Array.from(secret).length >= secretCharactersMin)) return secrets;
  const each = name.endsWith("S") ? "each token must have" : "must have";
  throw new ConfigurationError(
    `${name}: ${each} at least ${secretCharactersMin} characters. Make one with: openssl rand -hex 32`,
  );
}

/** As URLs have them: in lower case and in ASCII. */
function hostNames(value: string | undefined): string[] {
  const names = (value ?? "").split(",").map((part) => part.trim());
  return names
    .filter((name) => name !== "")
    .map((name) => {
      const url = URL.parse(`https://${name}/`);
      if (url === null || url.host === "" || url.pathname !== "/" || url.host !== url.hostname) {
        throw new ConfigurationError("GATEWAY_HOSTS must be host names without a port, comma-separated.");
      }
      return hostOf(url);
    });
}

function parseKey(text: string): Uint8Array<ArrayBuffer> {
  const malformed = `ENCRYPTION_KEY must be 32 bytes in base64 (openssl rand -base64 32).`;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.fromBase64(text);
  } catch (cause) {
    throw new ConfigurationError(malformed, { cause });
  }
  if (bytes.length !== encryptionKeyBytes) throw new ConfigurationError(malformed);
  return bytes;
}
