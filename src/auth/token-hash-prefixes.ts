/**
 * Which tokens there may be: guesses, however many, cost the database no query each. A token that another isolate makes
 * while somebody guesses here works a few seconds later; without guesses at once.
 */
import { cached } from "../platform/cached";
import { listTokenHashPrefixes } from "./tokens";

const keptMs = 5000;
/** From so many tokens on, each guess is looked up. */
const startsMax = 20_000;
/** How many of this isolate's own are remembered: longer than the list is kept. */
const madeHereMax = 100;

const madeHere = new Set<string>();

/** Null: too many to say. */
const knownStarts = cached<Set<string> | null>(keptMs, async (env) => {
  const starts = await listTokenHashPrefixes(env, startsMax + 1);
  return starts.length > startsMax ? null : new Set(starts);
});

/** @returns false when no token has a hash that starts like this. */
export async function mayHaveToken(env: Env, hashPrefix: string): Promise<boolean> {
  if (madeHere.has(hashPrefix)) return true;
  const known = await knownStarts(env);
  return known === null || known.has(hashPrefix) || madeHere.has(hashPrefix);
}

/** Has a token that was just made work here at once. */
export function rememberNewToken(hashPrefix: string): void {
  madeHere.add(hashPrefix);
  const [oldest] = madeHere;
  if (madeHere.size > madeHereMax && oldest !== undefined) madeHere.delete(oldest);
}
