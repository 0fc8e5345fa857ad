/** The messages of the queue `events`: published events, and the gateway's own requests to hand over pending events. */

/** A request to hand over the events that wait for a webhook, by its id. */
type HandoverMessage = { handover: number };

/** Whether a message is a `HandoverMessage`. Events have more than one member. */
export function isHandover(body: unknown): body is HandoverMessage {
  if (typeof body !== "object" || body === null || !("handover" in body)) return false;
  const { handover } = body;
  return Object.keys(body).length === 1 && Number.isSafeInteger(handover);
}

/**
 * @param body of a message: text and bytes are used as they are. A structured body is serialized as JSON, and Queues has
 *   parsed it before: `1.0` has become `1`, and integers above 2^53 have lost digits.
 * @returns the message's text, or null when bytes are not valid UTF-8 or a structured body cannot be expressed as JSON.
 */
export function messageText(body: unknown): string | null {
  if (typeof body === "string") return body;
  try {
    if (!isBytes(body)) return JSON.stringify(body) ?? null;
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}

/** A message as text to store. `isExact` is false when it cannot be expressed as text, and parts were replaced. */
export function keptText(body: unknown): { body: string; isExact: boolean } {
  const exact = messageText(body);
  if (exact !== null) return { body: exact, isExact: true };
  return { body: isBytes(body) ? new TextDecoder().decode(body) : String(body), isExact: false };
}

/** @returns a key that is the same in the queue and in its dead-letter queue, unlike the id: the text's SHA-256, in hex. */
export async function messageKey(body: unknown): Promise<string> {
  const text = new TextEncoder().encode(keptText(body).body);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", text)).toHex();
}

function isBytes(body: unknown): body is ArrayBuffer | ArrayBufferView {
  return body instanceof ArrayBuffer || ArrayBuffer.isView(body);
}
