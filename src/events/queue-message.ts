/** What a message of the queue `events` may hold: events, or the gateway's word to itself. */

/** Hand over what waits for this webhook (null: what waits for very many). Carries no configuration, no secret. */
export type HandoverMessage = { handover: number | null };

/** Whether a message is the gateway's own. An event always has more members. */
export function isHandover(body: unknown): body is HandoverMessage {
  if (typeof body !== "object" || body === null || !("handover" in body)) return false;
  const { handover } = body;
  return Object.keys(body).length === 1 && (handover === null || Number.isSafeInteger(handover));
}

/**
 * A message as text: a text or bytes as they are, a structured body written anew as Queues has parsed it (where
 * `1.0` has become `1` already, and integers beyond 2^53 have lost digits).
 * @returns null when bytes are not valid UTF-8, or a structured body holds what JSON cannot express.
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

/** A message as text to keep. `isExact`: else what cannot be text was replaced. */
export function keptText(body: unknown): { body: string; isExact: boolean } {
  const exact = messageText(body);
  if (exact !== null) return { body: exact, isExact: true };
  return { body: isBytes(body) ? new TextDecoder().decode(body) : String(body), isExact: false };
}

/** What a message is known by in both queues, where its id may differ: the SHA-256 of its text, in hex. */
export async function messageKey(body: unknown): Promise<string> {
  const text = new TextEncoder().encode(keptText(body).body);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", text)).toHex();
}

function isBytes(body: unknown): body is ArrayBuffer | ArrayBufferView {
  return body instanceof ArrayBuffer || ArrayBuffer.isView(body);
}
