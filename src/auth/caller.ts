/** Who calls: a token or a person, once that is known. */
import { readConfig } from "../platform/config";
import { findToken, type StoredToken } from "./tokens";
import { type Scope, scopes } from "./scopes";
import { type Background, storedTokenByHash, storedTokenByUuid } from "./stored-tokens";
import { hashToken, isOfTokenForm, isSameHash, type TokenHash } from "./token";

/** `token:<uuid>`, `bootstrap:<the start of its hash>` or `access:<e-mail address>`. */
type CallerId = `${"token" | "bootstrap" | "access"}:${string}`;

/** Who calls, and what they may do. */
export type Caller = {
  id: CallerId;
  /** As people know it. */
  name: string;
  scopes: readonly Scope[];
};

const bootstrapId = "bootstrap:";
const tokenId = "token:";
const accessId = "access:";

/** @returns who holds `token`, or null when it is unknown, expired or revoked. */
export async function callerByToken(env: Env, token: string, background: Background): Promise<Caller | null> {
  const hash = await hashToken(token);
  const known = await bootstrapHashes(env);
  // All of them are compared, so that timing does not tell which.
  const found = known[known.map((candidate) => isSameHash(candidate, hash)).indexOf(true)];
  if (found !== undefined) return bootstrapCaller(found);
  if (!isOfTokenForm(token)) return null;
  const stored = await storedTokenByHash(env, hash, background);
  return stored === null ? null : tokenCaller(stored);
}

/**
 * The caller that a session remembers.
 * @param id as in `Caller`.
 * @returns null when its token has expired, been revoked or been removed.
 */
export async function callerById(env: Env, id: string, background: Background): Promise<Caller | null> {
  if (id.startsWith(bootstrapId)) {
    const found = (await bootstrapHashes(env)).find(({ start }) => bootstrapId + start === id);
    return found === undefined ? null : bootstrapCaller(found);
  }
  if (!id.startsWith(tokenId)) return null;
  const stored = await storedTokenByUuid(env, id.slice(tokenId.length), background);
  return stored === null ? null : tokenCaller(stored);
}

/** What a caller with an id is called today, if it is still known: for what was kept of it. Revoked tokens are, too. */
export async function nameOfCaller(env: Env, id: string): Promise<string | null> {
  if (id.startsWith(accessId)) return id.slice(accessId.length);
  if (id.startsWith(bootstrapId)) return bootstrapName(id.slice(bootstrapId.length));
  if (!id.startsWith(tokenId)) return null;
  return (await findToken(env, id.slice(tokenId.length)))?.name ?? null;
}

/** @param email a person's, as Cloudflare Access vouches for it. */
export function accessCaller(email: string): Caller {
  return { id: `${accessId}${email}`, name: email, scopes };
}

/** Whether Cloudflare Access vouches for them, so that it alone can sign them out. */
export function isOfAccess({ id }: Caller): boolean {
  return id.startsWith(accessId);
}

/** What the setting's tokens were hashed to: it stays as it is for as long as an isolate lives. */
let hashed: { setting: string; hashes: TokenHash[] } | undefined;

async function bootstrapHashes(env: Env): Promise<TokenHash[]> {
  if (hashed !== undefined && hashed.setting === env.API_TOKENS) return hashed.hashes;
  const hashes = await Promise.all(readConfig(env).apiTokens.map(hashToken));
  hashed = { setting: env.API_TOKENS, hashes };
  return hashes;
}

function bootstrapCaller({ start }: TokenHash): Caller {
  return { id: `${bootstrapId}${start}`, name: bootstrapName(start), scopes };
}

/** The tokens of the setting have no names: the start of the hash tells them apart. */
function bootstrapName(start: string): string {
  return `API_TOKENS ${start.slice(0, 4)}`;
}

function tokenCaller({ uuid, name, scopes }: StoredToken): Caller {
  return { id: `${tokenId}${uuid}`, name, scopes };
}
