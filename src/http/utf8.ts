/** Decoding bodies whose text must not be changed. */
import { RequestError } from "../platform/errors";

/** @returns the text, with a byte order mark if there is one. @throws {RequestError} 400 for invalid UTF-8. */
export function decodeUtf8(bytes: ArrayBuffer | Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new RequestError(400, "The body is not valid UTF-8.", { cause });
  }
}
