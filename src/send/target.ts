/**
 * The target guard: which URLs a webhook may have. A receiver is somewhere on the internet, never inside the
 * network that the gateway runs in. What a name resolves to is looked at by `resolve-target.ts`.
 */
import type { Config } from "../platform/config";
import { hostOf } from "../platform/host-name";

/** What decides over targets: a deployment's settings. */
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
/** RFC 1035, 2.3.1 and 2.3.4, and the underscore that some use. What is longer or otherwise resolves nowhere. */
const name = /^(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/;
/** ASCII and other letters mixed, as in `.lоcal` with a Cyrillic о. Of the endings that exist only two are like that. */
const mixedEnding = /^xn--(?!vermgensberat(?:er-ctb|ung-pwb)$).+-/;

/**
 * @param url As parsed by `new URL()`, which writes every spelling of an IPv4 address in the same way, and
 * full-width and other letters that stand for ASCII as ASCII.
 * @returns a sentence that says why the Worker's own `fetch` may not call it, without the URL, or null when it may.
 */
export function refuseTarget(url: URL, rules: TargetRules): string | null {
  return refuseUrl(url, rules) ?? privateReason(url, rules);
}

/** @returns a sentence that says why nobody calls this URL, through an egress neither, or null. @param url as above. */
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

/** @returns a sentence that says why the host is not on the internet, or null when it may be. @param url as above. */
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

/** On workers.dev, each version of the gateway has a name as well: `<version>-<name>.<account>.workers.dev`. */
function isOwn(host: string, own: string): boolean {
  return host === own || (own.endsWith(".workers.dev") && host.endsWith(`-${own}`));
}
