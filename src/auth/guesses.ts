/**
 * Limits guessing. Only what was wrong is counted, after it was looked at: whoever is right is never held up by others
 * at the same address, and has nothing to guess.
 */
import type { Context } from "hono";
import { clientAddress } from "./audit";
import { isOverLimit, limitRate } from "../platform/rate-limit";
import type { AppEnv } from "./app-env";

/** How many groups of an IPv6 address tell networks apart: one client has a /64 (RFC 6177) and all addresses in it. */
const networkGroups = 4;
const allGroups = 8;

/** Counts a wrong token. @returns whether the client's network has tried too many in this minute. */
export function isGuessing(c: Context<AppEnv>): Promise<boolean> {
  return isOverLimit(c.env.GUESS_LIMIT, networkOf(clientAddress(c) ?? ""));
}

/**
 * The same, for the API.
 * @param what is wrong: "tokens", "signatures".
 * @throws {RequestError} 429 with Retry-After when there were too many.
 */
export function limitGuesses(c: Context<AppEnv>, what: string): Promise<void> {
  return limitRate(c.env.GUESS_LIMIT, networkOf(clientAddress(c) ?? ""), `wrong ${what} from your address`);
}

/** @returns an IPv4 address as it is, and an IPv6 address's network. */
function networkOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [before = [], after = []] = address.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = Array.from({ length: allGroups - before.length - after.length }, () => "0");
  const groups = [...before, ...zeros, ...after].slice(0, networkGroups);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
