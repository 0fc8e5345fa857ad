/**
 * The body of a receiver's answer as text for the log. The request asks the runtime not to decompress
 * (`encodeResponseBody: "manual"`): a compressed body can decompress to nothing for ever, and the runtime would read on.
 */
import { readBytes } from "./bounded-text";

/** Content codings that can be decompressed here (RFC 9110, 8.4.1), and the runtime's name for each. */
const formats: Record<string, ConstructorParameters<typeof DecompressionStream>[0]> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
};

/** `note`: why the body, or the rest of it, is missing; null when it ended or filled its bound. */
type AnswerBody = { text: string; note: string | null };

/**
 * Reads at most `bytesMax` bytes of the body, compressed or not, and decompresses them to at most as many. Never throws.
 * @param signal of the request: a body that breaks after it was aborted took too long.
 */
export async function readAnswerBody(
  response: { body: ReadableStream<Uint8Array> | null; headers: Headers },
  bytesMax: number,
  signal: Pick<AbortSignal, "aborted">,
): Promise<AnswerBody> {
  if (response.body === null) return { text: "", note: null };
  const { bytes, end } = await readBytes(response.body, bytesMax, lengthOf(response.headers));
  const decoded = await decode(bytes, response.headers.get("Content-Encoding"), bytesMax);
  if (end === "broken") {
    return { ...decoded, note: signal.aborted ? "The body did not end in time." : "The body broke off." };
  }
  // A compressed body that was cut at the bound cannot be decompressed to its end.
  return end === "cut" && decoded.text !== "" ? { ...decoded, note: null } : decoded;
}

/** The body's length by `Content-Length`, in bytes; undefined where it is not to be trusted, as it is not for a body in chunks. */
function lengthOf(headers: Headers): number | undefined {
  const length = headers.get("Content-Length") ?? "";
  return /^[1-9]\d*$/.test(length) && !headers.has("Transfer-Encoding") ? Number(length) : undefined;
}

async function decode(
  bytes: Uint8Array,
  contentEncoding: string | null,
  bytesMax: number,
): Promise<AnswerBody> {
  const coding = contentEncoding?.trim().toLowerCase() ?? "";
  if (coding === "" || coding === "identity") return { text: textOf(bytes), note: null };
  const format = formats[coding];
  if (format === undefined) return decodeUnknown(bytes);
  // A stream of one chunk, rather than of a Blob: what was decompressed before an error is kept.
  const { readable, writable } = new DecompressionStream(format);
  const writer = writable.getWriter();
  const written = writer
    .write(bytes)
    .then(() => writer.close())
    // The reading side reports the same failure.
    .catch(() => {});
  const plain = await readBytes(readable, bytesMax);
  await written;
  return {
    text: textOf(plain.bytes),
    note: plain.end === "broken" ? `The body could not be read: it is not valid ${coding}.` : null,
  };
}

/** Some receivers name a charset as their content coding: what is text is shown. */
function decodeUnknown(bytes: Uint8Array): AnswerBody {
  try {
    return {
      text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes, { stream: true }),
      note: null,
    };
  } catch {
    return { text: "", note: "The body could not be read: its content coding is not known here." };
  }
}

/** Invalid bytes become U+FFFD; half a character at the end, where a body was cut, is left out. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes, { stream: true });
}
