/**
 * Masks a webhook's secrets in receivers' responses, so that they are not stored in the delivery log. Receivers repeat
 * requests: a redirect repeats the URL in `Location`, and a debug page the whole request.
 */
import { maskedValue, type SecretSettings } from "../platform/encryption";
import type { AttemptResult } from "./attempt";
import { type DecodedText, decodingsOf, unescapedForms, utf8Of } from "./decoded-text";
import { secretsOf } from "./webhook-secrets";

/** The least length of a text that is masked. Shorter ones occur in ordinary text, too. */
const charactersMin = 6;

/**
 * Folded bytes (see `fold`) to search for. `firstMin`: at the end of a text, at least so many of the first bytes count
 * as a part of the secret. `lastMin`: at the beginning of a text, so many of the last bytes.
 */
type Needle = { bytes: string; firstMin: number; lastMin: number };
/** A range of the original text; the end is exclusive. */
type Range = [start: number, end: number];

/** The rest of an escape that was cut at either end of a text: `\u00`, `%2`, `&quo`, `=3`. */
const cutEscapeAtEnd = /(?:\\(?:u\{?|x)?[\da-f]{0,7}|%u?[\da-f]{0,3}|&#?\w{0,8}|=[\da-f]?)$/i;
const cutEscapeAtStart = /^(?:#?\w{0,8};|u?\{?[\da-f]{0,8}\}|[ux]?[\da-f]{1,8}|\r?\n)/i;

/**
 * @returns a function that masks a webhook's secrets in a response, in plain text and in the encodings of
 *   `decodingsOf`. Secrets that the beginning or end of a text cuts are masked as well.
 */
export function maskFor(settings: SecretSettings): (result: AttemptResult) => AttemptResult {
  const needles = needlesOf(settings);
  const mask = (text: string): string => {
    if (text.length < charactersMin) return text;
    return replaceRanges(
      text,
      decodingsOf(text).flatMap((decoded) => rangesOf(decoded, needles, text.length)),
    );
  };
  // The texts of the latest response with their masked forms. Responses of one receiver are often equal.
  let known = new Map<string, string>();
  return (result) => {
    const before = known;
    const masked = new Map<string, string>();
    const maskOnce = (text: string): string => {
      const found = before.get(text) ?? masked.get(text) ?? mask(text);
      masked.set(text, found);
      return found;
    };
    known = masked;
    return {
      ...result,
      responseHeaders: Object.fromEntries(
        Object.entries(result.responseHeaders).map(([name, value]) => [name, maskOnce(value)]),
      ),
      responseBody: maskOnce(result.responseBody),
      ...(result.refusal && { refusal: { ...result.refusal, reason: maskOnce(result.refusal.reason) } }),
    };
  };
}

function needlesOf(settings: SecretSettings): Needle[] {
  const needles = new Map<string, Needle>();
  for (const { text, beginning, ending } of secretsOf(settings)) {
    for (const bytes of spellingsOf(text).flatMap(unescapedForms).map(fold)) {
      if (bytes.length < charactersMin || needles.has(bytes)) continue;
      needles.set(bytes, {
        bytes,
        firstMin: Math.max(charactersMin, beginning + 1),
        lastMin: Math.max(charactersMin, ending + 1),
      });
    }
  }
  return [...needles.values()];
}

/** @returns a text's bytes in UTF-8, in Latin 1, and in UTF-8 that was misread as Latin 1 and encoded again. */
function spellingsOf(text: string): string[] {
  const utf8 = utf8Of(text);
  if (utf8 === text) return [text];
  const isLatin1 = Array.from(text).every((character) => character <= "\u00FF");
  return [utf8, utf8Of(utf8), ...(isLatin1 ? [text] : [])];
}

/** Makes upper and lower case equal, and the two spellings of a space in a form. */
function fold(bytes: string): string {
  return bytes.toLowerCase().replaceAll("+", " ");
}

/**
 * @returns the ranges of the needles in the original text, which has `length` characters. The first argument is one of
 *   its decodings.
 */
function rangesOf({ bytes, starts, ends }: DecodedText, needles: Needle[], length: number): Range[] {
  const text = fold(bytes);
  const ranges: Range[] = [];
  const textEnds = endsOf(text);
  const textStarts = startsOf(text);
  for (const needle of needles) {
    for (let at = text.indexOf(needle.bytes); at !== -1; at = text.indexOf(needle.bytes, at + 1)) {
      ranges.push([starts[at] ?? 0, ends[at + needle.bytes.length - 1] ?? length]);
    }
    for (const end of textEnds) {
      const cut = firstPartAt(text, end, needle);
      if (cut > 0) ranges.push([starts[end - cut] ?? 0, length]);
    }
    for (const start of textStarts) {
      const cut = lastPartAt(text, start, needle);
      if (cut > 0) ranges.push([0, ends[start + cut - 1] ?? length]);
    }
  }
  return ranges;
}

/** @returns the possible ends of a text: its end, and the start of an escape that was cut there. */
function endsOf(text: string): number[] {
  const escape = cutEscapeAtEnd.exec(text);
  return escape === null ? [text.length] : [text.length, escape.index];
}

function startsOf(text: string): number[] {
  const escape = cutEscapeAtStart.exec(text)?.[0] ?? "";
  // In `2fab`, any number of leading digits may belong to the cut escape.
  return escape.endsWith(";") ? [0, escape.length] : Array.from({ length: escape.length + 1 }, (_, at) => at);
}

/** @returns how many of a needle's first bytes are directly before `end`; 0 when there are fewer than `firstMin`. */
function firstPartAt(text: string, end: number, { bytes, firstMin }: Needle): number {
  for (let length = Math.min(bytes.length - 1, end); length >= firstMin; length--) {
    if (text.startsWith(bytes.slice(0, length), end - length)) return length;
  }
  return 0;
}

/** @returns how many of a needle's last bytes begin at `start`; 0 when there are fewer than `lastMin`. */
function lastPartAt(text: string, start: number, { bytes, lastMin }: Needle): number {
  for (let length = Math.min(bytes.length - 1, text.length - start); length >= lastMin; length--) {
    if (text.startsWith(bytes.slice(-length), start)) return length;
  }
  return 0;
}

function replaceRanges(text: string, ranges: Range[]): string {
  let masked = "";
  let done = 0;
  for (const [start, end] of ranges.toSorted(([a], [b]) => a - b)) {
    // Ranges that touch or overlap share one mask.
    if (start > done || done === 0) masked += text.slice(done, start) + maskedValue;
    done = Math.max(done, end);
  }
  return masked + text.slice(done);
}
