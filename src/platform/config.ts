/** The deployment's settings: read from the environment and validated. */
import { type Egress, readEgresses } from "./egress-settings";
import { hostOf } from "./host-name";
import { ConfigurationError } from "./errors";
import { type LanePlacement, readLanePlacement } from "./lane-placement";

/** The parsed settings. They contain secrets: never log them or put them in a response. */
export type Config = {
  /** Whether webhooks may point at private addresses: for local use only. */
  allowPrivateTargets: boolean;
  /** Whether webhooks may have `http:` URLs beside `https:`. */
  allowHttpTargets: boolean;
  /** Host names of the gateway itself, in lower case. Webhooks must not point at them, as deliveries would loop. */
  gatewayHosts: readonly string[];
  /** Bootstrap tokens: they have every scope. */
  apiTokens: string[];
  /** AES-256 keys of 32 bytes each. The first one encrypts, all of them decrypt. At least one. */
  encryptionKeys: Uint8Array<ArrayBuffer>[];
  /** The secret of the webhook in Orchest that publishes to this gateway. */
  orchestIngestSecret: string;
  /** How long the log keeps deliveries, in days. */
  deliveryDays: number;
  /** How long dead letters are kept, in days: at least `deliveryDays`. */
  deadLetterDays: number;
  /** How long the archive keeps events, in days: at most `deliveryDays`. */
  archiveDays: number;
  /** The most bytes that the archive may take in D1. */
  archiveBytesMax: number;
  /** How many event shards there should be. */
  eventShards: number;
  /**
   * The URL of Orchest's pages. Messages link to the event's project, job or run there. Null: messages have no links.
   */
  orchestUrl: string | null;
  /** Cloudflare Access in front of the pages; null when it is not used. `issuer` is the origin of the team domain. */
  access: { issuer: string; audience: string } | null;
  /** Where Durable Objects are created. */
  lanePlacement: LanePlacement;
  /**
   * The egresses that requests can use instead of the gateway's own `fetch`, in order of preference: the first one that
   * matches is used.
   */
  egresses: readonly Egress[];
};

const encryptionKeyBytes = 32;
/** Batches call every shard: more shards would make them slower. */
const shardsMax = 256;
/** A random secret of this length cannot be guessed over the network. */
const secretCharactersMin = 16;

/** @throws {ConfigurationError} naming the setting that is missing or malformed. */
export function readConfig(env: Env): Config {
  const deliveryDays = positive("DELIVERY_DAYS", env.DELIVERY_DAYS);
  return {
    apiTokens: requireLength("API_TOKENS", commaSeparated("API_TOKENS", env.API_TOKENS)),
    encryptionKeys: commaSeparated("ENCRYPTION_KEY", env.ENCRYPTION_KEY).map(parseKey),
    orchestIngestSecret: requireLength("ORCHEST_INGEST_SECRET", [
      commaSeparated("ORCHEST_INGEST_SECRET", env.ORCHEST_INGEST_SECRET).join(","),
    ]).join(","),
    allowPrivateTargets: env.ALLOW_PRIVATE_TARGETS === "true",
    allowHttpTargets: (env.ALLOW_HTTP_TARGETS ?? "true") === "true",
    gatewayHosts: hostNames(env.GATEWAY_HOSTS),
    deliveryDays,
    deadLetterDays: Math.max(positive("DEAD_LETTER_DAYS", env.DEAD_LETTER_DAYS), deliveryDays),
    archiveDays: Math.min(positive("ARCHIVE_DAYS", env.ARCHIVE_DAYS), deliveryDays),
    archiveBytesMax: positive("ARCHIVE_GIGABYTES", env.ARCHIVE_GIGABYTES) * 1e9,
    eventShards: shardCount(env.EVENT_SHARDS),
    orchestUrl: readOrchestUrl(env.ORCHEST_URL),
    access: readAccess(env),
    lanePlacement: readLanePlacement(env),
    egresses: readEgresses(env.EGRESS, env.ALLOW_PRIVATE_TARGETS === "true"),
  };
}

/** Both settings are needed to verify an assertion: with only one, the pages would be unprotected, so it is an error. */
function readAccess({ ACCESS_TEAM_DOMAIN, ACCESS_AUD }: Env): Config["access"] {
  const [domain, audience] = [ACCESS_TEAM_DOMAIN, ACCESS_AUD].map((value) => (value ?? "").trim());
  if (!domain && !audience) return null;
  const url = URL.parse(/^https?:/.test(domain ?? "") ? (domain ?? "") : `https://${domain}`);
  if (audience && domain && url?.protocol === "https:" && url.pathname === "/") {
    return { issuer: url.origin, audience };
  }
  throw new ConfigurationError(
    "ACCESS_TEAM_DOMAIN (https://<team>.cloudflareaccess.com) and ACCESS_AUD (the audience tag) must be set together.",
  );
}

/**
 * @returns the URL of Orchest's pages, with a path if Orchest is served below one; null when the setting is empty.
 *   @throws {ConfigurationError} for anything else.
 */
function readOrchestUrl(value: string | undefined): string | null {
  const text = (value ?? "").trim();
  if (text === "") return null;
  const url = URL.parse(text);
  const isPlain =
    url !== null && url.search === "" && url.hash === "" && url.username === "" && url.password === "";
  if (url === null || !isPlain || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new ConfigurationError(
      "ORCHEST_URL must be the address of Orchest's pages, such as https://orchest.example.com, or empty.",
    );
  }
  return url.href;
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new ConfigurationError(`${name} must be a number above 0.`);
}

function shardCount(value: string | undefined): number {
  const shards = Number(value ?? "");
  if (Number.isInteger(shards) && shards >= 1 && shards <= shardsMax) return shards;
  throw new ConfigurationError(`EVENT_SHARDS must be a whole number from 1 to ${shardsMax}.`);
}

/** @param value undefined for a secret that was never set, though the generated types exclude it. */
function commaSeparated(name: string, value: string | undefined): string[] {
  const parts = (value ?? "").split(",").map((part) => part.trim());
  const present = parts.filter((part) => part !== "");
  if (present.length === 0) {
    throw new ConfigurationError(`${name} is not set. Set it with: wrangler secret put ${name}`);
  }
  return present;
}

/** Refuses short secrets, because rate limits only slow guessing down. */
function requireLength(name: string, secrets: string[]): string[] {
  if (secrets.every((secret) => Array.from(secret).length >= secretCharactersMin)) return secrets;
  const each = name.endsWith("S") ? "each token must have" : "must have";
  throw new ConfigurationError(
    `${name}: ${each} at least ${secretCharactersMin} characters. Make one with: openssl rand -hex 32`,
  );
}

/** Normalizes host names as URLs do: lower case, ASCII. */
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
