/** The table `rejected`: queue messages that could not be used, kept with the reason. */

export type RejectedMessage = { messageId: string; reason: string; body: string };

/** A message's text is cut here: one may hold 128 KB, and D1's rows 2 MB. */
const bodyCharactersMax = 200_000;

/** Keeps messages, in one statement each. */
export async function keepRejected(db: D1Database, messages: readonly RejectedMessage[]): Promise<void> {
  const insert = db.prepare(
    "INSERT INTO rejected (message_id, reason, body, received_at) VALUES (?, ?, ?, ?)",
  );
  const receivedAt = Date.now();
  await db.batch(
    messages.map(({ messageId, reason, body }) =>
      insert.bind(messageId, reason, body.slice(0, bodyCharactersMax), receivedAt),
    ),
  );
}
