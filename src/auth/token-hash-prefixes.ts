/**
 * The hash prefixes of all tokens, cached per isolate, so that wrong tokens are rejected without a query each. A token
 * that another isolate creates works here at once, or after up to 5 seconds if this isolate has just read the prefixes.
 */
import { cached } from "../platform/cached";
import { listTokenHashPrefixes } from "./tokens";

const ttlMs = 5000;
/** With more tokens than this, no prefixes are cached, and every token is searched for in D1. */
const prefixesMax = 20_000;
/** How many prefixes of tokens created by this isolate are remembered. */
const createdHereMax = 100;

const createdHere = new Set<string>();

/** The prefixes of all tokens; null when there are too many. */
const cachedPrefixes = cached<Set<string> | null>(ttlMs, async (env) => {
  const prefixes = await listTokenHashPrefixes(env, prefixesMax + 1);
  return prefixes.length > prefixesMax ? null : new Set(prefixes);
});

/** @returns false when no token has a hash with this prefix. */
export async function mayHaveToken(env: Env, hashPrefix: string): Promise<boolean> {
  if (createdHere.has(hashPrefix)) return true;
  const prefixes = await cachedPrefixes(env);
  return prefixes === null || prefixes.has(hashPrefix) || createdHere.has(hashPrefix);
}

/** Remembers a token that was just created, so that it works in this isolate at once. */
export function rememberNewToken(hashPrefix: string): void {
  createdHere.add(hashPrefix);
  const [oldest] = createdHere;
  if (createdHere.size > createdHereMax && oldest !== undefined) createdHere.delete(oldest);
}
