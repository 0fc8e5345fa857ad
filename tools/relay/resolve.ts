/** Resolves a target's name, once per request, which then connects to these addresses only. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type AllowRule, isAllowed, isNameAllowed } from "./allow-list.ts";
import { codeOf, isShortage } from "./error-codes.ts";

/** Asks a resolver. @throws an error with a code (`ENOTFOUND`, `EAI_AGAIN`) when the name has no address. */
export type Resolve = (host: string) => Promise<string[]>;

/** `blocked`: the allow list has none of the addresses. */
export type Resolved =
  | { kind: "addresses"; addresses: string[] }
  | { kind: "blocked" }
  | { kind: "unknown"; code: string };

/** The system's resolver, which also knows `/etc/hosts` and the names of the own network. */
export const systemResolve: Resolve = async (host) =>
  (await lookup(host, { all: true, order: "verbatim" })).map(({ address }) => address);

/** A URL's host, as rules and resolvers know it: without brackets and without a dot at the end. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
}

/** A URL's port, also where the scheme implies it. */
export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}

/**
 * Names that no rule allows are not resolved, because a DNS query reveals the relay to the name's owner. @throws the
 * resolver's error when this machine lacks the resources to ask it.
 */
export async function resolveTarget(
  url: URL,
  rules: readonly AllowRule[],
  resolve: Resolve,
): Promise<Resolved> {
  const [host, port] = [hostOf(url), portOf(url)];
  if (!isNameAllowed(rules, host, port)) return { kind: "blocked" };
  let found: string[];
  try {
    found = isIP(host) === 0 ? await resolve(host) : [host];
  } catch (error) {
    if (isShortage(error)) throw error;
    return { kind: "unknown", code: codeOf(error) };
  }
  const addresses = found.filter((address) => isAllowed(rules, { host, port, address }));
  return addresses.length === 0 ? { kind: "blocked" } : { kind: "addresses", addresses };
}
