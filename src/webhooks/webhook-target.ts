/** Where a webhook may point, and how its certificate is checked. */
import { refuseResolvedTarget } from "../send/resolve-target";
import type { TargetRules } from "../send/target";
import { FieldError } from "../platform/errors";

/** `new URL()` would quietly drop or encode these. Everything up to the space, and what else counts as one. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const blankOrControl = /[\s\u0000-\u001f\u007f-\u009f]/u;

/**
 * @param text A URL as sent in. No message repeats it: it may be all that it takes to post there.
 * @throws {FieldError} saying what is wrong with it.
 */
export async function parseTarget(text: string, rules: TargetRules): Promise<URL> {
  if (blankOrControl.test(text)) {
    throw new FieldError("url", "must not contain spaces or control characters.");
  }
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  if (url === null) {
    throw new FieldError("url", "must be an absolute http or https URL, such as https://example.com/hook.");
  }
  const refusal = await refuseResolvedTarget(url, rules);
  if (refusal !== null) throw new FieldError("url", refusal);
  return url;
}

/**
 * A Worker has no way to skip the check of a certificate: such a setting is never stored, as it could not be kept.
 * For `http:` the flag means nothing; Orchest's client sends false then.
 * @param url Any URL of the target, its origin for example.
 * @throws {FieldError} for `https:` without verification.
 */
export function checkVerification(url: string, verifySsl: boolean): void {
  if (verifySsl || !url.startsWith("https:")) return;
  throw new FieldError(
    "verify_ssl",
    "must be true for an https URL. This deployment always verifies certificates and cannot switch it off.",
  );
}
