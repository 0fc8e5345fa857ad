/** Tokens for tests. */
import { env } from "cloudflare:workers";
import type { Scope } from "../src/auth/scopes";
import { api } from "./api";

/** A token as it is given back. */
export type TokenAnswer = {
  id: string;
  name: string;
  scopes: Scope[];
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
};

export type NewTokenAnswer = TokenAnswer & { token: string };

/** Makes a token with these scopes. */
export async function makeToken(
  scopes: Scope[],
  changes: { name?: string; expires_at?: string } = {},
): Promise<NewTokenAnswer> {
  const spec = { name: scopes.join(" and "), scopes, ...changes };
  const { status, body, text } = await api<NewTokenAnswer>("POST", "/api/tokens", spec);
  if (status !== 201) throw new Error(`No token was made: ${text}`);
  return body;
}

/** One that was used a moment ago: so no use of it is noted behind the end of a test. */
export async function makeUsedToken(...spec: Parameters<typeof makeToken>): Promise<NewTokenAnswer> {
  const made = await makeToken(...spec);
  const used = env.DB.prepare("UPDATE tokens SET last_used_at = ? WHERE uuid = ?");
  await used.bind(Date.now(), made.id).run();
  return made;
}

/** Reads the only page of tokens. */
export async function listTokens(): Promise<TokenAnswer[]> {
  const { body } = await api<{ tokens: TokenAnswer[] }>("GET", "/api/tokens");
  return body.tokens;
}
