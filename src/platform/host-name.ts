/** Host names, normalized for comparison. */

/** @returns the URL's host name in lower case, without a trailing dot. */
export function hostOf(url: URL): string {
  return url.hostname.toLowerCase().replace(/\.+$/, "");
}
