/**
 * Reads the body of a receiver's response as text for the log. The request tells the runtime not to decompress
 * (`encodeResponseBody: "manual"`): an endless compressed body can decompress to nothing, and the runtime would go on
 * reading it.
 */
import { readBytes } from "./bounded-text";

/** The supported content codings (RFC 9110, 8.4.1), and the runtime's name for each. */
const formats: Record<string, ConstructorParameters<typeof DecompressionStream>[0]> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
};

/** `note`: why the body, or the rest of it, is missing; null when it was read to its end or to the limit. */
type AnswerBody = { text: string; note: string | null };

/**
 * Reads at most `bytesMax` bytes of the body, compressed or not, and decompresses them to at most as many. Never
 * throws.
 * @param signal of the request: it tells a body that took too long from one that broke off.
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
  // A compressed body that was cut at the limit cannot be decompressed completely, which is not an error.
  return end === "cut" && decoded.text !== "" ? { ...decoded, note: null } : decoded;
}

/**
 * @returns the body's length by `Content-Length`, in bytes; undefined when there is none, or for a chunked body, whose
 *   `Content-Length` does not count.
 */
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
  // A stream of one chunk, and not of a Blob, keeps the text that was decompressed before an error.
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

/** Some receivers send a charset as the content coding: the body is used if it is valid text. */
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

/** Invalid bytes become U+FFFD. An incomplete character at the end, where a body was cut, is left out. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes, { stream: true });
}
