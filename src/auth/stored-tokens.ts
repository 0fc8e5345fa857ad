/**
 * Tokens in D1, each looked up at most once a minute per isolate. So a token that is revoked through another
 * isolate may live a minute longer here.
 */
import { findToken, findTokenByHashPrefix, noteTokenUse, type StoredToken } from "./tokens";
import { log } from "../platform/log";
import { isSameHash, type TokenHash } from "./token";
import { mayHaveToken } from "./token-hash-prefixes";

/** What shall run behind the answer. */
export type Background = (work: Promise<void>) => void;

const keptMs = 60_000;
const useNotedEveryMs = 3_600_000;
/** Only tokens that exist are kept, so it takes as many of them to reach this. */
const keptMax = 1000;

type Kept = { token: StoredToken; readAt: number };

/** By the start of the hash, and by uuid. */
const kept = new Map<string, Kept>();

/** @returns the token with this hash, or null when there is none that can be used. */
export async function storedTokenByHash(
  env: Env,
  hash: TokenHash,
  background: Background,
): Promise<StoredToken | null> {
  const token = await lookUp(hash.start, async () =>
    (await mayHaveToken(env, hash.start)) ? findTokenByHashPrefix(env, hash.start) : null,
  );
  if (token === null || !isSameHash({ start: token.hashPrefix, hash: token.hash }, hash)) return null;
  return use(env, token, background);
}

/** @returns the token with this uuid, or null when there is none that can be used. */
export async function storedTokenByUuid(
  env: Env,
  uuid: string,
  background: Background,
): Promise<StoredToken | null> {
  const token = await lookUp(uuid, () => findToken(env, uuid));
  return token === null ? null : use(env, token, background);
}

/** Has a token looked up anew: this isolate, at least, shall know of a revocation at once. */
export function forgetToken(uuid: string): void {
  for (const [key, { token }] of kept) if (token.uuid === uuid) kept.delete(key);
}

async function lookUp(key: string, find: () => Promise<StoredToken | null>): Promise<StoredToken | null> {
  const known = kept.get(key);
  if (known !== undefined && Date.now() - known.readAt < keptMs) return known.token;
  kept.delete(key);
  const token = await find();
  if (token === null) return null;
  if (kept.size >= keptMax) kept.clear();
  kept.set(key, { token, readAt: Date.now() });
  return token;
}

function use(env: Env, token: StoredToken, background: Background): StoredToken | null {
  const now = Date.now();
  if (token.revokedAt !== null || (token.expiresAt !== null && token.expiresAt <= now)) return null;
  const before = now - useNotedEveryMs;
  if (token.lastUsedAt === null || token.lastUsedAt < before) {
    token.lastUsedAt = now;
    background(noteUse(env, token.uuid, { now, before }));
  }
  return token;
}

async function noteUse(env: Env, uuid: string, times: { now: number; before: number }): Promise<void> {
  try {
    await noteTokenUse(env, uuid, times);
  } catch (error) {
    log("warn", "use of a token not noted", { token: uuid, error: String(error) });
  }
}
