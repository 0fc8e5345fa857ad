/** Validates the redirect target after signing in: only paths of this site are allowed. */

const home = "/";
/** The second character must not be a slash or backslash: browsers read `//` and `/\` as the start of a host. */
const pathPattern = /^\/(?![/\\])[\x21-\x7e]*$/;

/** @returns `text` as a path with its query, or `/` when it is not a path of this site. */
export function localPath(text: unknown): string {
  if (typeof text !== "string" || !pathPattern.test(text)) return home;
  const base = "https://this.invalid";
  const url = URL.parse(text, base);
  // Resolving dots may leave two slashes: `/.//host` becomes `//host`.
  if (url === null || url.origin !== base || url.pathname.startsWith("//")) return home;
  return url.pathname + url.search;
}
