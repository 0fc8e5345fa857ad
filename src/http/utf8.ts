/** The text of a body that must stay as it is. */
import { RequestError } from "../platform/errors";

/** @throws {RequestError} 400 when the bytes are not valid UTF-8. */
export function decodeUtf8(bytes: ArrayBuffer | Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new RequestError(400, "The body is not valid UTF-8.", { cause });
  }
}
