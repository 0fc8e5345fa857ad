/** The table `rejected`: queue messages that could not be used, kept with the reason. */
import { type Page, pageOf } from "../db/page";

/** `isExact`: whether `body` is what came, so that it can be used again. */
export type NewRejectedMessage = { messageId: string; reason: string; body: string; isExact: boolean };

/** A kept message; `received_at` in ms. */
export type RejectedMessage = {
  id: number;
  message_id: string;
  reason: string;
  body: string;
  is_exact: number;
  received_at: number;
};

/** A message's text is cut here: one may hold 128 KB, and D1's rows 2 MB. */
const bodyCharactersMax = 200_000;

/** Keeps messages, in one statement each. */
export async function keepRejected(db: D1Database, messages: readonly NewRejectedMessage[]): Promise<void> {
  const insert = db.prepare(
    "INSERT INTO rejected (message_id, reason, body, is_exact, received_at) VALUES (?, ?, ?, ?, ?)",
  );
  const receivedAt = Date.now();
  await db.batch(
    messages.map(({ messageId, reason, body, isExact }) => {
      const kept = body.slice(0, bodyCharactersMax);
      return insert.bind(messageId, reason, kept, isExact && kept === body ? 1 : 0, receivedAt);
    }),
  );
}

/** Newest first. @param page.before only ids below. */
export async function listRejected(
  db: D1Database,
  page: { limit: number; before?: number },
): Promise<Page<RejectedMessage>> {
  const { results } = await db
    .prepare("SELECT * FROM rejected WHERE id < ? ORDER BY id DESC LIMIT ?")
    .bind(page.before ?? Number.MAX_SAFE_INTEGER, page.limit + 1)
    .all<RejectedMessage>();
  return pageOf(results, page.limit);
}

/** One kept message, or null. */
export function findRejected(db: D1Database, id: number): Promise<RejectedMessage | null> {
  return db.prepare("SELECT * FROM rejected WHERE id = ?").bind(id).first<RejectedMessage>();
}

/** Writes down why a message still cannot be used. */
export async function changeReason(db: D1Database, id: number, reason: string): Promise<void> {
  await db.prepare("UPDATE rejected SET reason = ? WHERE id = ?").bind(reason, id).run();
}

export async function removeRejected(db: D1Database, id: number): Promise<void> {
  await db.prepare("DELETE FROM rejected WHERE id = ?").bind(id).run();
}
