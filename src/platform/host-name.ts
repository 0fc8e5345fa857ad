/** Host names, as they are compared everywhere. */

/** A URL's host name as DNS knows it: in lower case and without the root's dot. */
export function hostOf(url: URL): string {
  return url.hostname.toLowerCase().replace(/\.+$/, "");
}
