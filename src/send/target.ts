/**
 * Decides which URLs a webhook may have. A receiver must be on the internet, not inside the network that the gateway
 * runs in. `resolve-target.ts` checks the addresses of a host.
 */
import type { Config } from "../platform/config";
import { hostOf } from "../platform/host-name";

/** The settings that decide which targets are allowed. */
export type TargetRules = Pick<Config, "allowPrivateTargets" | "allowHttpTargets" | "gatewayHosts">;

/** Endings that never belong to a public host (RFC 2606, 6761, 6762, 7686, 8375, 9476, ICANN's name collisions, habit). */
const privateEndings = new Set([
  "alt",
  "arpa",
  "consul",
  "corp",
  "domain",
  "example",
  "home",
  "internal",
  "intra",
  "intranet",
  "invalid",
  "lan",
  "local",
  "localdomain",
  "localhost",
  "mail",
  "onion",
  "private",
  "test",
  "workgroup",
]);

const ipv4 = /^\d+\.\d+\.\d+\.\d+$/;
/** The host names that can resolve: RFC 1035, 2.3.1 and 2.3.4, and the underscore, which some names have. */
const name = /^(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/;
/**
 * Endings that mix ASCII with other letters, as in `.lоcal` with a Cyrillic о. The two exceptions are the only existing
 * top-level domains that do.
 */
const mixedEnding = /^xn--(?!vermgensberat(?:er-ctb|ung-pwb)$).+-/;

/**
 * @param url as parsed by `new URL()`, which normalizes the spellings of IPv4 addresses, and maps full-width and
 *   similar letters to ASCII.
 * @returns a sentence that says why `fetch` must not call the URL, without the URL; null when it may.
 */
export function refuseTarget(url: URL, rules: TargetRules): string | null {
  return refuseUrl(url, rules) ?? privateReason(url, rules);
}

/**
 * @param url as for `refuseTarget`. @returns a sentence that says why the URL is not allowed, not even through an
 *   egress; null when it is.
 */
export function refuseUrl(url: URL, rules: TargetRules): string | null {
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return "Only http and https URLs are delivered to.";
  if (url.protocol === "http:" && !rules.allowHttpTargets) return "Only https URLs are delivered to.";
  if (url.username !== "" || url.password !== "") return "A URL must not contain a user name or a password.";
  if (!rules.allowPrivateTargets && rules.gatewayHosts.some((own) => isOwn(hostOf(url), own))) {
    return "The host must not be this gateway's own: deliveries would come back to it.";
  }
  return null;
}

/**
 * @param url as for `refuseTarget`. @returns a sentence that says why the host is private; null when it may be public.
 */
export function privateReason(url: URL, rules: TargetRules): string | null {
  if (rules.allowPrivateTargets) return null;
  const host = hostOf(url);
  if (host.startsWith("[") || ipv4.test(host)) {
    return "The host must be a public host name: IP addresses are not delivered to.";
  }
  const ending = host.slice(host.lastIndexOf(".") + 1);
  if (!name.test(host) || privateEndings.has(ending) || mixedEnding.test(ending)) {
    return "The host must be a public host name: private and local names are not delivered to.";
  }
  return null;
}

/**
 * Whether a host is the gateway's own. On workers.dev, each version has a name as well:
 * `<version>-<name>.<account>.workers.dev`.
 */
function isOwn(host: string, own: string): boolean {
  return host === own || (own.endsWith(".workers.dev") && host.endsWith(`-${own}`));
}
