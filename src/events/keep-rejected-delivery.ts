/** Keeps deliveries of Orchest that the gateway cannot use, in the table `rejected`. */
import { keepRejectedOnce } from "./rejected";

/**
 * Keeps a body that Orchest signed. A body that is repeated soon is kept once.
 * @param body the signed bytes. @param event the event's text in it; null when it contains no event or is not valid
 *   UTF-8.
 * @param reason why it cannot be used.
 */
export async function keepRejectedDelivery(
  db: D1Database,
  { body, event, reason }: { body: Uint8Array; event: string | null; reason: string },
): Promise<void> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex();
  await keepRejectedOnce(db, {
    messageId: `orchest:${hash.slice(0, 32)}`,
    reason,
    body: event ?? new TextDecoder().decode(body),
    isExact: event !== null,
  });
}
