/** Queries on the table `tokens`. */
import { and, desc, eq, isNull, lt, or } from "drizzle-orm";
import { type Scope, scopes } from "./scopes";
import type { TokenHash } from "./token";
import { database } from "../db/database";
import { type Page, pageOf } from "../db/page";
import { tokens } from "../db/schema";

/** A row of `tokens`; times in ms. */
export type StoredToken = Omit<TokenRow, "scopes"> & { scopes: Scope[] };

type TokenRow = typeof tokens.$inferSelect;

/** Drops scopes that this version does not know. */
function storedToken(row: TokenRow): StoredToken {
  return { ...row, scopes: row.scopes.flatMap((name) => scopes.find((scope) => scope === name) ?? []) };
}

/** Inserts a new token. @param token.expiresAt in ms; null when it does not expire. @returns its row. */
export async function insertToken(
  env: Env,
  token: { name: string; scopes: Scope[]; expiresAt: number | null },
  { prefix, hash }: TokenHash,
): Promise<StoredToken> {
  const [stored] = await database(env)
    .insert(tokens)
    .values({ ...token, uuid: crypto.randomUUID(), hashPrefix: prefix, hash, createdAt: Date.now() })
    .returning();
  if (stored === undefined) throw new Error("D1 returned no row for a new token.");
  return storedToken(stored);
}

/** @returns the token with this hash prefix, expired and revoked ones included, or null. */
export async function findTokenByHashPrefix(env: Env, hashPrefix: string): Promise<StoredToken | null> {
  const [found] = await database(env).select().from(tokens).where(eq(tokens.hashPrefix, hashPrefix));
  return found === undefined ? null : storedToken(found);
}

/** @returns the hash prefixes of all tokens, expired and revoked ones included: at most `limit`. */
export async function listTokenHashPrefixes(env: Env, limit: number): Promise<string[]> {
  const rows = await database(env).select({ prefix: tokens.hashPrefix }).from(tokens).limit(limit);
  return rows.map(({ prefix }) => prefix);
}

/** @returns the token with this uuid, also when it is expired or revoked, or null. */
export async function findToken(env: Env, uuid: string): Promise<StoredToken | null> {
  const [found] = await database(env).select().from(tokens).where(eq(tokens.uuid, uuid));
  return found === undefined ? null : storedToken(found);
}

/** @returns a page of all tokens, newest first. @param page.before only tokens with a lower id. */
export async function listTokens(
  env: Env,
  page: { limit: number; before?: number },
): Promise<Page<StoredToken>> {
  const rows = await database(env)
    .select()
    .from(tokens)
    .where(lt(tokens.id, page.before ?? Number.MAX_SAFE_INTEGER))
    .orderBy(desc(tokens.id))
    .limit(page.limit + 1);
  return pageOf(rows.map(storedToken), page.limit);
}

/** Revokes a token. @returns false when there is none with this uuid or it was revoked before. */
export async function revokeToken(env: Env, uuid: string): Promise<boolean> {
  const revoked = await database(env)
    .update(tokens)
    .set({ revokedAt: Date.now() })
    .where(and(eq(tokens.uuid, uuid), isNull(tokens.revokedAt)))
    .returning({ id: tokens.id });
  return revoked.length > 0;
}

/** Records that a token was used at `now` (ms), unless a use since `before` (ms) is recorded. */
export async function recordTokenUse(
  env: Env,
  uuid: string,
  { now, before }: { now: number; before: number },
): Promise<void> {
  await database(env)
    .update(tokens)
    .set({ lastUsedAt: now })
    .where(and(eq(tokens.uuid, uuid), or(isNull(tokens.lastUsedAt), lt(tokens.lastUsedAt, before))));
}
