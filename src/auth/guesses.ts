/**
 * Rate limits against guessing tokens and signatures. Only wrong ones are counted, after the check, so that a client
 * with a valid one is never limited because of others at the same address.
 */
import type { Context } from "hono";
import { clientAddress } from "./audit";
import { isOverLimit, limitRate } from "../platform/rate-limit";
import type { AppEnv } from "./app-env";

/** The groups of an IPv6 address that identify a network: one client has a /64 with all of its addresses (RFC 6177). */
const networkGroups = 4;
const allGroups = 8;

/** Counts a wrong token. @returns whether the client's network has sent too many within a minute. */
export function isGuessing(c: Context<AppEnv>): Promise<boolean> {
  return isOverLimit(c.env.GUESS_LIMIT, networkOf(clientAddress(c) ?? ""));
}

/**
 * Counts a wrong token or signature.
 * @param what was wrong, for the message: "tokens", "signatures".
 * @throws {RequestError} 429 with Retry-After when the client's network has sent too many within a minute.
 */
export function limitGuesses(c: Context<AppEnv>, what: string): Promise<void> {
  return limitRate(c.env.GUESS_LIMIT, networkOf(clientAddress(c) ?? ""), `wrong ${what} from your address`);
}

/** @returns an IPv4 address unchanged, and the /64 of an IPv6 address. */
function networkOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [before = [], after = []] = address.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = Array.from({ length: allGroups - before.length - after.length }, () => "0");
  const groups = [...before, ...zeros, ...after].slice(0, networkGroups);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
