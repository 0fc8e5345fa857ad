/**
 * Receivers repeat what they were sent: a redirect in its `Location`, a page for debugging all of it. What is secret
 * of a webhook does not get into its log, and onto the lane's disk, in that way.
 */
import { maskedValue, type SealedSettings } from "../sealing";
import type { AttemptResult } from "./attempt";

/** What is shorter is found in innocent text, too. */
const charactersMin = 6;

/** @returns what replaces a webhook's secrets, as they are written plainly, in JSON or in a URL, in an answer. */
export function maskFor(settings: SealedSettings): (result: AttemptResult) => AttemptResult {
  const secrets = secretsOf(settings)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    .filter((secret) => secret.length >= charactersMin)
    // The whole before its parts.
    .toSorted((a, b) => b.length - a.length);
  const mask = (text: string): string => {
    const masked = secrets.reduce((all, secret) => all.replaceAll(secret, maskedValue), text);
    const cut = cutSecret(masked, secrets);
    return cut === 0 ? masked : masked.slice(0, -cut) + maskedValue;
  };
  // Most answers hold nothing of the kind: not even the beginning of one.
  const beginnings = secrets.map((secret) => secret.slice(0, charactersMin));
  return (result) => {
    const all = [...Object.values(result.responseHeaders), result.responseBody].join("\n");
    if (!beginnings.some((beginning) => all.includes(beginning))) return result;
    return {
      ...result,
      responseHeaders: Object.fromEntries(
        Object.entries(result.responseHeaders).map(([name, value]) => [name, mask(value)]),
      ),
      responseBody: mask(result.responseBody),
    };
  };
}

function secretsOf({ url, secret, previous, headers = {} }: SealedSettings): string[] {
  const { pathname, search, searchParams } = new URL(url);
  const values = Object.values(headers);
  // Of `Bearer …` and its like also what comes behind the scheme.
  const credentials = values.map((value) => value.slice(value.indexOf(" ") + 1));
  const previousSecrets = previous === undefined ? [] : [previous.secret];
  const inUrl = [pathname + search, pathname, search.slice(1), ...searchParams.values()];
  return [...inUrl, secret, ...previousSecrets, ...values, ...credentials];
}

/** How many characters at the end are the beginning of a secret: a body is kept up to a bound, which may cut one. */
function cutSecret(text: string, secrets: string[]): number {
  let longest = 0;
  for (const secret of secrets) {
    for (let length = Math.min(secret.length - 1, text.length); length >= charactersMin; length--) {
      if (!text.endsWith(secret.slice(0, length))) continue;
      longest = Math.max(longest, length);
      break;
    }
  }
  return longest;
}
