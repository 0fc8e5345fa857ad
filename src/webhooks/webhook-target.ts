/** Validation of a webhook's URL and certificate check. */
import { refuseResolvedTarget } from "../send/resolve-target";
import type { TargetRules } from "../send/target";
import { FieldError } from "../platform/errors";

/** White space and control characters, which `new URL()` drops or encodes silently. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const blankOrControl = /[\s\u0000-\u001f\u007f-\u009f]/u;

/**
 * @param text the URL of a request. It is a secret, so that no error contains it.
 * @returns the URL, whose host resolves to allowed addresses only.
 * @throws {FieldError} when it is not valid or not allowed.
 */
export async function parseTarget(text: string, rules: TargetRules): Promise<URL> {
  if (blankOrControl.test(text)) {
    throw new FieldError("url", "must not contain spaces or control characters.");
  }
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  if (url === null) {
    throw new FieldError("url", "must be an absolute http or https URL, such as https://example.com/hook.");
  }
  const reason = await refuseResolvedTarget(url, rules);
  if (reason !== null) throw new FieldError("url", reason);
  return url;
}

/**
 * Checks `verify_ssl`. Workers always verify certificates, so that `false` is rejected for `https:`. For `http:` the flag
 * has no effect, and Orchest's clients send `false`.
 * @param url the target's URL or origin.
 * @throws {FieldError} for `https:` without verification.
 */
export function checkVerification(url: string, verifySsl: boolean): void {
  if (verifySsl || !url.startsWith("https:")) return;
  throw new FieldError(
    "verify_ssl",
    "must be true for an https URL. The gateway always verifies certificates and cannot switch it off.",
  );
}
