/** Where to go after signing in: a path of this site, whatever someone wrote into the address. */

const home = "/";
/** No second slash or backslash: browsers take `//` and `/\` for the beginning of a host. */
const pathForm = /^\/(?![/\\])[\x21-\x7e]*$/;

/** @returns `text` as a path with its query, or `/` when it leads elsewhere. */
export function localPath(text: unknown): string {
  if (typeof text !== "string" || !pathForm.test(text)) return home;
  const base = "https://this.invalid";
  const url = URL.parse(text, base);
  // Dots may leave two slashes behind: `/.//host` is the path `//host`.
  if (url === null || url.origin !== base || url.pathname.startsWith("//")) return home;
  return url.pathname + url.search;
}
