/** The table `tokens`. */
import { and, desc, eq, isNull, lt, or } from "drizzle-orm";
import { type Scope, scopes } from "./scopes";
import type { TokenHash } from "./token";
import { database } from "../db/database";
import { type Page, pageOf } from "../db/page";
import { tokens } from "../db/schema";

/** A token as it is kept; times in ms. */
export type StoredToken = Omit<TokenRow, "scopes"> & { scopes: Scope[] };

type TokenRow = typeof tokens.$inferSelect;

/** A scope that this version does not know allows nothing. */
function storedToken(row: TokenRow): StoredToken {
  return { ...row, scopes: row.scopes.flatMap((name) => scopes.find((scope) => scope === name) ?? []) };
}

/** Keeps a new token. @param expiresAt in ms; null: never. */
export async function insertToken(
  env: Env,
  token: { name: string; scopes: Scope[]; expiresAt: number | null },
  { start, hash }: TokenHash,
): Promise<StoredToken> {
  const [stored] = await database(env)
    .insert(tokens)
    .values({ ...token, uuid: crypto.randomUUID(), hashPrefix: start, hash, createdAt: Date.now() })
    .returning();
  if (stored === undefined) throw new Error("D1 gave no row back for a new token.");
  return storedToken(stored);
}

/** @returns the only token that may have this hash, whatever its state, or null. */
export async function findTokenByHashPrefix(env: Env, hashPrefix: string): Promise<StoredToken | null> {
  const [found] = await database(env).select().from(tokens).where(eq(tokens.hashPrefix, hashPrefix));
  return found === undefined ? null : storedToken(found);
}

/** @returns what the hashes of all tokens begin with, whatever their state: at most `limit`. */
export async function listTokenHashPrefixes(env: Env, limit: number): Promise<string[]> {
  const rows = await database(env).select({ start: tokens.hashPrefix }).from(tokens).limit(limit);
  return rows.map(({ start }) => start);
}

/** @returns the token, whatever its state, or null. */
export async function findToken(env: Env, uuid: string): Promise<StoredToken | null> {
  const [found] = await database(env).select().from(tokens).where(eq(tokens.uuid, uuid));
  return found === undefined ? null : storedToken(found);
}

/** Newest first, whatever their state. @param page.before only ids below. */
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

/** Ends a token for good. @returns whether there was one that was not revoked. */
export async function revokeToken(env: Env, uuid: string): Promise<boolean> {
  const revoked = await database(env)
    .update(tokens)
    .set({ revokedAt: Date.now() })
    .where(and(eq(tokens.uuid, uuid), isNull(tokens.revokedAt)))
    .returning({ id: tokens.id });
  return revoked.length > 0;
}

/** Notes a use, unless one since `before` (ms) is noted. */
export async function noteTokenUse(
  env: Env,
  uuid: string,
  { now, before }: { now: number; before: number },
): Promise<void> {
  await database(env)
    .update(tokens)
    .set({ lastUsedAt: now })
    .where(and(eq(tokens.uuid, uuid), or(isNull(tokens.lastUsedAt), lt(tokens.lastUsedAt, before))));
}
