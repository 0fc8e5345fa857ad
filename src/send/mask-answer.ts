/**
 * Receivers repeat what they were sent: a redirect in its `Location`, a page for debugging all of it. The secrets of a
 * webhook do not get into its log, and onto the lane's disk, in that way.
 */
import { maskedValue, type SecretSettings } from "../platform/encryption";
import type { AttemptResult } from "./attempt";
import { type DecodedText, decodingsOf, unescapedForms, utf8Of } from "./decoded-text";
import { secretsOf } from "./webhook-secrets";

/** What is shorter is found in innocent text, too. */
const charactersMin = 6;

/**
 * Bytes to look for, folded, and how many of its first and of its last are to be there, where the text ends or begins,
 * to take them for a part of it.
 */
type Needle = { bytes: string; firstMin: number; lastMin: number };
/** Of the original text, the end exclusive. */
type Range = [start: number, end: number];

/** What may be left at either end of an escape that was cut: `\u00`, `%2`, `&quo`, `=3`. */
const cutEscapeAtEnd = /(?:\\(?:u\{?|x)?[\da-f]{0,7}|%u?[\da-f]{0,3}|&#?\w{0,8}|=[\da-f]?)$/i;
const cutEscapeAtStart = /^(?:#?\w{0,8};|u?\{?[\da-f]{0,8}\}|[ux]?[\da-f]{1,8}|\r?\n)/i;

/**
 * @returns what replaces a webhook's secrets in an answer, whole or cut by its beginning or end, as they are and in the
 * encodings of `decodingsOf`.
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
  // A receiver's answers resemble each other: what the last one had is not looked through again.
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

/** A text's bytes in UTF-8, in Latin 1, and in UTF-8 that was taken for Latin 1. */
function spellingsOf(text: string): string[] {
  const utf8 = utf8Of(text);
  if (utf8 === text) return [text];
  const isLatin1 = Array.from(text).every((character) => character <= "\u00FF");
  return [utf8, utf8Of(utf8), ...(isLatin1 ? [text] : [])];
}

/** Letters in either case are the same, and so are the two ways to write a space in a form. */
function fold(bytes: string): string {
  return bytes.toLowerCase().replaceAll("+", " ");
}

/** Where the needles are in a text of `length`, of which this is a decoding. */
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

/** Where a text may have been cut, without the escape that was cut, too. */
function endsOf(text: string): number[] {
  const escape = cutEscapeAtEnd.exec(text);
  return escape === null ? [text.length] : [text.length, escape.index];
}

function startsOf(text: string): number[] {
  const escape = cutEscapeAtStart.exec(text)?.[0] ?? "";
  // Where the digits of a cut escape end and the text goes on, nobody knows: `2fab`.
  return escape.endsWith(";") ? [0, escape.length] : Array.from({ length: escape.length + 1 }, (_, at) => at);
}

/** How many of a needle's first bytes stand before `end`: 0 when they are too few to tell. */
function firstPartAt(text: string, end: number, { bytes, firstMin }: Needle): number {
  for (let length = Math.min(bytes.length - 1, end); length >= firstMin; length--) {
    if (text.startsWith(bytes.slice(0, length), end - length)) return length;
  }
  return 0;
}

/** How many of a needle's last bytes stand from `start` on: 0 when they are too few to tell. */
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
    // What touches the one before it is masked with it.
    if (start > done || done === 0) masked += text.slice(done, start) + maskedValue;
    done = Math.max(done, end);
  }
  return masked + text.slice(done);
}
