/** The table `rejected`: messages from the queue and from Orchest that could not be published, with the reason. */
import { type Page, pageOf } from "../db/page";

/** A message to keep. `isExact`: whether `body` is exactly the message, so that it can be published later. */
export type NewRejectedMessage = { messageId: string; reason: string; body: string; isExact: boolean };

/** A rejected message; `received_at` in ms. */
export type RejectedMessage = {
  id: number;
  message_id: string;
  reason: string;
  body: string;
  is_exact: number;
  received_at: number;
};

/**
 * A filter. `after`: only ids above this one. `reason`: a part of the reason, in upper or lower case. Times in ms,
 * `until` excluded.
 */
export type RejectedFilter = {
  after: number;
  reason: string | null;
  since: number | null;
  until: number | null;
};

/** The most bytes that are kept in all. Beyond that, the oldest messages are removed. */
export const rejectedBytesMax = 1_000_000_000;
/** How many messages one run of the pruning removes. */
const prunedAtOnce = 1000;
/** The most characters of a message's text. A message may have 128 KB, and a row in D1 2 MB. */
const bodyCharactersMax = 200_000;

/** Keeps messages, with one statement for each, in one transaction. */
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

/** How many of the latest messages are searched for a repeat. */
const repeatsLookedFor = 100;

/** Keeps a message, unless it is one of the latest already. */
export async function keepRejectedOnce(db: D1Database, message: NewRejectedMessage): Promise<void> {
  const latest = `SELECT message_id FROM rejected ORDER BY id DESC LIMIT ${repeatsLookedFor}`;
  const known = await db
    .prepare(`SELECT 1 FROM (${latest}) WHERE message_id = ? LIMIT 1`)
    .bind(message.messageId)
    .first();
  if (known === null) await keepRejected(db, [message]);
}

/** @returns a page of messages, newest first. @param page.before only messages with a lower id. */
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

/** @returns the message with this id, or null. */
export function findRejected(db: D1Database, id: number): Promise<RejectedMessage | null> {
  return db.prepare("SELECT * FROM rejected WHERE id = ?").bind(id).first<RejectedMessage>();
}

/** Stores why a message still cannot be published. */
export async function changeReason(db: D1Database, id: number, reason: string): Promise<void> {
  await db.prepare("UPDATE rejected SET reason = ? WHERE id = ?").bind(reason, id).run();
}

/** Removes a message that was published. */
export async function removeRejected(db: D1Database, id: number): Promise<void> {
  await db.prepare("DELETE FROM rejected WHERE id = ?").bind(id).run();
}

/** SQL: the size of a message, as the triggers count it. */
const sizeOf = "octet_length(body) + 500";
/** SQL: whether a message matches a `RejectedFilter`, bound to ?1 to ?4. */
const matches = `id > ?1 AND (?2 IS NULL OR instr(lower(reason), lower(?2)) > 0)
  AND (?3 IS NULL OR received_at >= ?3) AND (?4 IS NULL OR received_at < ?4)`;

/** @returns the ids of at most `limit` matching messages, oldest first. */
export async function findOldestRejected(
  db: D1Database,
  { after, reason, since, until }: RejectedFilter,
  limit: number,
): Promise<number[]> {
  const { results } = await db
    .prepare(`SELECT id FROM rejected WHERE ${matches} ORDER BY id LIMIT ?5`)
    .bind(after, reason, since, until, limit)
    .all<{ id: number }>();
  return results.map(({ id }) => id);
}

/** @returns how many messages match. */
export async function countRejected(
  db: D1Database,
  { after, reason, since, until }: RejectedFilter,
): Promise<number> {
  const query = `SELECT count(*) AS n FROM rejected WHERE ${matches}`;
  return (await db.prepare(query).bind(after, reason, since, until).first<number>("n")) ?? 0;
}

/**
 * Removes messages from before `before` (ms), and the oldest ones beyond `bytesMax`, at most 1,000 per call. Triggers
 * maintain the total size (`rejected_size`), so that no sum has to be computed.
 * @returns how many were removed.
 */
export async function pruneRejected(
  db: D1Database,
  { before, bytesMax }: { before: number; bytesMax: number },
): Promise<number> {
  const { results } = await db
    .prepare(
      `DELETE FROM rejected WHERE id IN (
         SELECT id FROM (
           SELECT id, received_at, sum(size) OVER (ORDER BY id) - size AS bytes_before
           FROM (SELECT id, received_at, ${sizeOf} AS size FROM rejected ORDER BY id LIMIT ${prunedAtOnce})
         ) WHERE received_at < ?1 OR bytes_before < (SELECT bytes FROM rejected_size) - ?2
       ) RETURNING id`,
    )
    .bind(before, bytesMax)
    .all();
  return results.length;
}
