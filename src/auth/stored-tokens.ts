/**
 * Tokens in D1, cached per isolate for a minute. A token that is revoked through another isolate may therefore work
 * here for up to a minute longer. While D1 fails, a cached token is used for up to ten minutes.
 */
import { findToken, findTokenByHashPrefix, recordTokenUse, type StoredToken } from "./tokens";
import { log } from "../platform/log";
import { repeatTransient } from "../platform/repeat-transient";
import { withTimeout } from "../platform/timeouts";
import { isSameHash, type TokenHash } from "./token";
import { mayHaveToken } from "./token-hash-prefixes";

/** Keeps work running after the response (`waitUntil`). */
export type Background = (work: Promise<void>) => void;

const ttlMs = 60_000;
/** How long a cached token is used while D1 fails. */
const staleTtlMs = 600_000;
/** The timeout of a query for a token. */
const readTimeoutMs = 2000;
/**
 * After a failed query, D1 is not queried for the same token for this time, so that publishing does not wait for it
 * each time.
 */
const retryIntervalMs = 10_000;
/** How exact `lastUsedAt` is. */
const useIntervalMs = 3_600_000;
/** The most cached tokens. Wrong tokens are not cached, so that guessing does not fill the cache. */
const cachedMax = 1000;

/** Times in ms. `failedAt`: when a query for it last failed; 0 when none has. */
type CachedToken = { token: StoredToken; readAt: number; failedAt: number };

/** By hash prefix and by uuid. */
const cache = new Map<string, CachedToken>();

/** @returns the token with this hash, or null when it is unknown, expired or revoked. */
export async function storedTokenByHash(
  env: Env,
  hash: TokenHash,
  background: Background,
): Promise<StoredToken | null> {
  const token = await readThroughCache(hash.prefix, async () =>
    (await mayHaveToken(env, hash.prefix)) ? findTokenByHashPrefix(env, hash.prefix) : null,
  );
  if (token === null || !isSameHash({ prefix: token.hashPrefix, hash: token.hash }, hash)) return null;
  return activeToken(env, token, background);
}

/** @returns the token with this uuid, or null when it is unknown, expired or revoked. */
export async function storedTokenByUuid(
  env: Env,
  uuid: string,
  background: Background,
): Promise<StoredToken | null> {
  const token = await readThroughCache(uuid, () => findToken(env, uuid));
  return token === null ? null : activeToken(env, token, background);
}

/** Removes a token from this isolate's cache, so that its revocation takes effect here at once. */
export function forgetToken(uuid: string): void {
  for (const [key, { token }] of cache) if (token.uuid === uuid) cache.delete(key);
}

async function readThroughCache(
  key: string,
  find: () => Promise<StoredToken | null>,
): Promise<StoredToken | null> {
  const cached = cache.get(key);
  const now = Date.now();
  if (cached !== undefined && now - cached.readAt < ttlMs) return cached.token;
  const isUsable = cached !== undefined && now - cached.readAt < staleTtlMs;
  if (isUsable && now - cached.failedAt < retryIntervalMs) return cached.token;
  try {
    const found = isUsable ? find() : repeatTransient(find);
    return keep(key, await withTimeout(found, readTimeoutMs));
  } catch (error) {
    if (!isUsable) throw error;
    log("warn", "token not looked up", { token: cached.token.uuid, error: String(error) });
    cached.failedAt = Date.now();
    return cached.token;
  }
}

function keep(key: string, token: StoredToken | null): StoredToken | null {
  cache.delete(key);
  if (token === null) return null;
  if (cache.size >= cachedMax) cache.clear();
  cache.set(key, { token, readAt: Date.now(), failedAt: 0 });
  return token;
}

/** @returns the token, or null when it has expired or was revoked. Records its use, at most once an hour. */
function activeToken(env: Env, token: StoredToken, background: Background): StoredToken | null {
  const now = Date.now();
  if (token.revokedAt !== null || (token.expiresAt !== null && token.expiresAt <= now)) return null;
  const before = now - useIntervalMs;
  if (token.lastUsedAt === null || token.lastUsedAt < before) {
    token.lastUsedAt = now;
    background(recordUse(env, token.uuid, { now, before }));
  }
  return token;
}

async function recordUse(env: Env, uuid: string, times: { now: number; before: number }): Promise<void> {
  try {
    await recordTokenUse(env, uuid, times);
  } catch (error) {
    log("warn", "use of a token not recorded", { token: uuid, error: String(error) });
  }
}
