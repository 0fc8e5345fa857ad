/**
 * The target guard: which URLs a webhook may have. A receiver is somewhere on the internet, never inside the
 * network that the gateway runs in. A name that resolves to a private address is not seen here, since a Worker
 * has no resolver of its own; Cloudflare's network refuses those.
 */

/** Endings that never belong to a public host (RFC 6761, 6762, 7686, 8375, 9476, ICANN's name collisions, habit). */
const privateEndings = new Set([
  "alt",
  "arpa",
  "corp",
  "home",
  "internal",
  "intranet",
  "invalid",
  "lan",
  "local",
  "localdomain",
  "localhost",
  "onion",
  "private",
  "test",
]);

const ipv4 = /^\d+\.\d+\.\d+\.\d+$/;

/**
 * @param url As parsed by `new URL()`, which writes every spelling of an IPv4 address in the same way.
 * @param options.allowPrivateTargets Whether any host is fine: local use only.
 * @returns a sentence that says why this is no target, without the URL, or null when it is one.
 */
export function refuseTarget(url: URL, options: { allowPrivateTargets: boolean }): string | null {
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return "Only http and https URLs are delivered to.";
  if (url.username !== "" || url.password !== "") return "A URL must not contain a user name or a password.";
  if (options.allowPrivateTargets) return null;

  const host = url.hostname.toLowerCase().replace(/\.+$/, "");
  if (host.startsWith("[") || ipv4.test(host)) {
    return "The host must be a public host name: IP addresses are not delivered to.";
  }
  if (!host.includes(".") || privateEndings.has(host.slice(host.lastIndexOf(".") + 1))) {
    return "The host must be a public host name: private and local names are not delivered to.";
  }
  return null;
}
