/** Reads bodies of responses up to a limit. The bytes are counted, because the headers may state a wrong length. */
import { log } from "../platform/log";

/**
 * How reading ended. `whole`: at the end of the body. `cut`: at the limit; the rest was cancelled. `broken`: with an
 * error, because the connection broke, the coding was wrong or the request was aborted.
 */
type BodyEnd = "whole" | "cut" | "broken";

/**
 * Reads at most `bytesMax` bytes of a body and cancels the rest, which closes the connection. Never throws.
 * @param bodyBytes the length in the headers: reading stops there without waiting for the end of the body. Absent:
 *   unknown.
 * @returns the bytes that were read, also from a body that broke.
 */
export async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  bytesMax: number,
  bodyBytes = Number.POSITIVE_INFINITY,
): Promise<{ bytes: Uint8Array; end: BodyEnd }> {
  if (body === null) return { bytes: new Uint8Array(), end: "whole" };
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let left = bytesMax;
  const came = (end: BodyEnd) => ({ bytes: joined(chunks), end });
  try {
    while (left > 0 && bytesMax - left < bodyBytes) {
      const { done, value } = await reader.read();
      if (done) return came("whole");
      const kept = value.subarray(0, left);
      if (kept.length > 0) chunks.push(kept);
      left -= kept.length;
    }
  } catch {
    // The error is not used: the runtime's text is the same for a broken connection and a wrong coding.
    return came("broken");
  }
  reader.cancel().catch((error) => log("warn", "answer not cancelled", { error: String(error) }));
  return came(bytesMax - left < bodyBytes ? "cut" : "whole");
}

/**
 * Reads a whole body as text.
 * @throws {Error} when it is longer than `bytesMax` bytes or breaks.
 */
export async function readWholeText(response: Response, bytesMax: number): Promise<string> {
  const { bytes, end } = await readBytes(response.body, bytesMax + 1);
  if (end === "cut") throw new Error(`The answer is longer than ${bytesMax} bytes.`);
  if (end === "broken") throw new Error("The answer broke off.");
  return new TextDecoder().decode(bytes);
}

function joined(chunks: Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (first === undefined) return new Uint8Array();
  if (chunks.length === 1) return first;
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
