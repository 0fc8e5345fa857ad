/** Callers: authenticated tokens and people. */
import { readConfig } from "../platform/config";
import { findToken, type StoredToken } from "./tokens";
import { type Scope, scopes } from "./scopes";
import { type Background, storedTokenByHash, storedTokenByUuid } from "./stored-tokens";
import { hashToken, isOfTokenForm, isSameHash, type TokenHash } from "./token";

/** `token:<uuid>`, `bootstrap:<hash prefix>` for a token in the setting API_TOKENS, or `access:<e-mail address>`. */
type CallerId = `${"token" | "bootstrap" | "access"}:${string}`;

/** An authenticated token or person, and its scopes. */
export type Caller = {
  id: CallerId;
  /** The name of the token, or the person's e-mail address. */
  name: string;
  scopes: readonly Scope[];
};

const bootstrapId = "bootstrap:";
const tokenId = "token:";
const accessId = "access:";

/**
 * @param background runs work after the response.
 * @returns the caller with this token, or null when it is unknown, expired or revoked.
 */
export async function callerByToken(env: Env, token: string, background: Background): Promise<Caller | null> {
  const hash = await hashToken(token);
  const candidates = await bootstrapHashes(env);
  // The token is compared with every candidate, so that timing does not reveal which one matches.
  const found = candidates[candidates.map((candidate) => isSameHash(candidate, hash)).indexOf(true)];
  if (found !== undefined) return bootstrapCaller(found);
  if (!isOfTokenForm(token)) return null;
  const stored = await storedTokenByHash(env, hash, background);
  return stored === null ? null : tokenCaller(stored);
}

/**
 * Finds the caller of a session.
 * @param id as in `Caller`. @param background runs work after the response.
 * @returns null when its token has expired or was revoked or removed.
 */
export async function callerById(env: Env, id: string, background: Background): Promise<Caller | null> {
  if (id.startsWith(bootstrapId)) {
    const found = (await bootstrapHashes(env)).find(({ prefix }) => bootstrapId + prefix === id);
    return found === undefined ? null : bootstrapCaller(found);
  }
  if (!id.startsWith(tokenId)) return null;
  const stored = await storedTokenByUuid(env, id.slice(tokenId.length), background);
  return stored === null ? null : tokenCaller(stored);
}

/** @returns the current name of the caller with this id, also of a revoked token; null when it does not exist. */
export async function nameOfCaller(env: Env, id: string): Promise<string | null> {
  if (id.startsWith(accessId)) return id.slice(accessId.length);
  if (id.startsWith(bootstrapId)) return bootstrapName(id.slice(bootstrapId.length));
  if (!id.startsWith(tokenId)) return null;
  return (await findToken(env, id.slice(tokenId.length)))?.name ?? null;
}

/** @param email of a person that Cloudflare Access has signed in. @returns the caller, with all scopes. */
export function accessCaller(email: string): Caller {
  return { id: `${accessId}${email}`, name: email, scopes };
}

/** Whether Cloudflare Access has signed the caller in. Only Access can sign such a person out. */
export function isOfAccess({ id }: Caller): boolean {
  return id.startsWith(accessId);
}

/** The cached hashes of the tokens in API_TOKENS. */
let hashed: { setting: string; hashes: TokenHash[] } | undefined;

async function bootstrapHashes(env: Env): Promise<TokenHash[]> {
  if (hashed !== undefined && hashed.setting === env.API_TOKENS) return hashed.hashes;
  const hashes = await Promise.all(readConfig(env).apiTokens.map(hashToken));
  hashed = { setting: env.API_TOKENS, hashes };
  return hashes;
}

function bootstrapCaller({ prefix }: TokenHash): Caller {
  return { id: `${bootstrapId}${prefix}`, name: bootstrapName(prefix), scopes };
}

/** Tokens in API_TOKENS have no names: the hash prefix identifies them. */
function bootstrapName(hashPrefix: string): string {
  return `API_TOKENS ${hashPrefix.slice(0, 4)}`;
}

function tokenCaller({ uuid, name, scopes }: StoredToken): Caller {
  return { id: `${tokenId}${uuid}`, name, scopes };
}
