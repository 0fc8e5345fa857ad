/**
 * Decodes texts, to find secrets that a framework's error page or a JSON encoder has escaped. Each decoded byte keeps
 * its place in the original text, so that the secret can be masked there.
 */
import { characterReferences } from "./character-references";

/** Bytes, one per character of `bytes`; byte `i` came from `starts[i]` to `ends[i]` (exclusive) of the original text. */
export type DecodedText = { bytes: string; starts: number[]; ends: number[] };

/**
 * The most levels of nested escapes that are decoded, such as JSON in JSON in a URL in HTML. The limit bounds the work
 * that a receiver can cause.
 */
const passesMax = 4;

/**
 * Escapes of JSON, JavaScript, C, PHP, Python, Java, URLs and HTML. One pass decodes all of them; the next pass finds
 * those inside. NUL is between the characters of UTF-16 and is removed.
 */
const hex = String.raw`[\da-fA-F]`;
const escapes = new RegExp(
  [
    String.raw`\\u(?<high>[dD][89abAB]${hex}{2})\\u(?<low>[dD][c-fC-F]${hex}{2})`,
    String.raw`[\\%]u(?<unit>${hex}{4})`,
    String.raw`\\U(?<long>${hex}{8})`,
    String.raw`\\u\{(?<braced>${hex}{1,8})\}`,
    String.raw`&#[xX](?<hexadecimal>${hex}{1,8});`,
    String.raw`&#(?<decimal>\d{1,8});`,
    String.raw`&(?<name>[a-zA-Z]{2,8}\d{0,2});`,
    String.raw`(?:\\x|%)(?<byte>${hex}{2})`,
    String.raw`\\(?<octal>[0-3][0-7]{2})`,
    String.raw`\\(?<control>[abefnrtv]|0(?![0-7]))`,
    String.raw`\\(?<literal>[^\da-zA-Z])`,
    String.raw`(?<nothing>\0)`,
  ].join("|"),
  "gs",
);

const controls: Record<string, string> = {
  a: "\u0007",
  b: "\b",
  e: "\u001B",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Quoted-printable (RFC 2045, 6.7). It is decoded separately, because it would also match in `token=ab`. */
const quotedPrintable = /=(?:(?<byte>[\da-f]{2})|(?<nothing>\r?\n))/gi;

/** Encodings of bits as characters. A secret may begin anywhere in a run of the alphabet's characters. */
const bitEncodings = [
  // Both alphabets of base64 (RFC 4648, 4 and 5), with or without line breaks.
  { run: /[\w+/-](?:[\r\n]*[\w+/-]){7,}/g, bits: 6, valueOf: base64Value, shifts: 4 },
  { run: /[\da-f]{12,}/gi, bits: 4, valueOf: (digit: string) => Number.parseInt(digit, 16), shifts: 2 },
];
/** A separator that no secret contains: it is not allowed in headers and URLs. */
const runBreak = "\u0001";
type BitEncoding = (typeof bitEncodings)[number];

/** @returns the text itself, and its decoded forms, including those of nested encodings. */
export function decodingsOf(text: string): DecodedText[] {
  const plain = unescapedOf(bytesOf(text), passesMax);
  const decoded = plain.flatMap((one) => {
    const printable = replaceEscapes(one, quotedPrintable);
    const ofBits = bitDecodingsOf(one);
    return printable === null ? ofBits : [printable, ...ofBits];
  });
  return plain.concat(decoded.flatMap((one) => unescapedOf(one, 2)));
}

/**
 * @returns the secret itself and its decoded forms: a path may contain percent-encoding, and frameworks decode paths
 *   before they display them. @param bytes of the secret.
 */
export function unescapedForms(bytes: string): string[] {
  const places = Array.from(bytes, () => 0);
  return unescapedOf({ bytes, starts: places, ends: places }, passesMax).map((form) => form.bytes);
}

/** @returns UTF-8, one byte per character. */
export function utf8Of(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

function bytesOf(text: string): DecodedText {
  const decoded: DecodedText = { bytes: "", starts: [], ends: [] };
  let place = 0;
  for (const character of text) {
    append(decoded, character <= "\u007F" ? character : utf8Of(character), place, place + character.length);
    place += character.length;
  }
  return decoded;
}

/** @returns the text, and the result of each pass, until a pass finds no escapes. */
function unescapedOf(text: DecodedText, passes: number): DecodedText[] {
  const next = passes === 0 ? null : replaceEscapes(text, escapes);
  return next === null ? [text] : [text, ...unescapedOf(next, passes - 1)];
}

/** @returns the text with its escapes decoded; null when it has none. */
function replaceEscapes(text: DecodedText, pattern: RegExp): DecodedText | null {
  const replaced: DecodedText = { bytes: "", starts: [], ends: [] };
  let done = 0;
  for (const { 0: escape, index, groups = {} } of text.bytes.matchAll(pattern)) {
    const bytes = bytesOfEscape(groups);
    if (bytes === null) continue;
    copy(text, replaced, done, index);
    done = index + escape.length;
    append(replaced, bytes, text.starts[index] ?? 0, text.ends[done - 1] ?? 0);
  }
  if (done === 0) return null;
  copy(text, replaced, done, text.bytes.length);
  return replaced;
}

function bytesOfEscape(groups: Record<string, string | undefined>): string | null {
  const { high, low, decimal, name, byte, octal, control, literal } = groups;
  if (high !== undefined && low !== undefined) {
    return utf8Of(String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)));
  }
  const hexadecimal = groups["unit"] ?? groups["long"] ?? groups["braced"] ?? groups["hexadecimal"];
  if (hexadecimal !== undefined) return bytesOfPoint(Number.parseInt(hexadecimal, 16));
  if (decimal !== undefined) return bytesOfPoint(Number(decimal));
  if (name !== undefined) return bytesOfName(name);
  if (byte !== undefined) return String.fromCharCode(Number.parseInt(byte, 16));
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
  if (control !== undefined) return controls[control] ?? "";
  return literal ?? "";
}

function bytesOfPoint(point: number): string | null {
  return point > 0x10_ff_ff ? null : utf8Of(String.fromCodePoint(point));
}

function bytesOfName(name: string): string | null {
  const character = characterReferences.get(name);
  return character === undefined ? null : utf8Of(character);
}

/** @returns the decoded runs of each alphabet, once for each bit offset at which the first whole byte may begin. */
function bitDecodingsOf(text: DecodedText): DecodedText[] {
  return bitEncodings.flatMap((encoding) => {
    const runs = [...text.bytes.matchAll(encoding.run)];
    if (runs.length === 0) return [];
    return Array.from({ length: encoding.shifts }, (_, shift) => decodeRuns(text, runs, encoding, shift));
  });
}

/**
 * Decodes only the runs. `runBreak` separates them, and marks either end of the text unless a run reaches that end, as
 * the run may have been cut there.
 */
function decodeRuns(
  text: DecodedText,
  runs: RegExpExecArray[],
  { bits, valueOf }: BitEncoding,
  shift: number,
): DecodedText {
  const decoded: DecodedText = { bytes: "", starts: [], ends: [] };
  const [first] = runs;
  if (first !== undefined && /[^\r\n]/.test(text.bytes.slice(0, first.index)))
    append(decoded, runBreak, 0, 0);
  for (const { 0: run, index } of runs) {
    let held = 0;
    let heldBits = 0;
    let start = 0;
    for (let at = index + shift; at < index + run.length; at++) {
      const character = text.bytes.charAt(at);
      if (character === "\r" || character === "\n") continue;
      if (heldBits === 0) start = text.starts[at] ?? 0;
      held = ((held << bits) | valueOf(character)) & 0xff_ff;
      heldBits += bits;
      if (heldBits < 8) continue;
      heldBits -= 8;
      append(decoded, String.fromCharCode((held >> heldBits) & 0xff), start, text.ends[at] ?? 0);
      start = text.starts[at] ?? 0;
    }
    const end = index + run.length;
    if (/[^\r\n]/.test(text.bytes.slice(end)))
      append(decoded, runBreak, text.ends[end - 1] ?? 0, text.ends[end - 1] ?? 0);
  }
  return decoded;
}

function base64Value(character: string): number {
  const digit = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".indexOf(character);
  return digit === -1 ? (character === "-" ? 62 : 63) : digit;
}

function append(to: DecodedText, bytes: string, start: number, end: number): void {
  to.bytes += bytes;
  for (let left = bytes.length; left > 0; left--) {
    to.starts.push(start);
    to.ends.push(end);
  }
}

function copy(from: DecodedText, to: DecodedText, first: number, end: number): void {
  to.bytes += from.bytes.slice(first, end);
  for (let at = first; at < end; at++) {
    to.starts.push(from.starts[at] ?? 0);
    to.ends.push(from.ends[at] ?? 0);
  }
}
