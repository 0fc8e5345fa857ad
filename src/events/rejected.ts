/** The table `rejected`: messages of the queue and of Orchest that could not be used, kept with the reason. */
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

/** Which messages are meant. `after`: ids above. `reason`: a part of the reason. Times in ms, `until` excluded. */
export type RejectedFilter = {
  after: number;
  reason: string | null;
  since: number | null;
  until: number | null;
};

/** What is kept in all, in bytes: a message more and the oldest go. */
export const rejectedBytesMax = 1_000_000_000;
/** How many messages one run of the pruning removes. */
const prunedAtOnce = 1000;
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

/** How many of the latest messages are looked through for one that came before. */
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

/** What a message takes, as the triggers count it. */
const sizeOf = "octet_length(body) + 500";
const matches = `id > ?1 AND (?2 IS NULL OR instr(lower(reason), lower(?2)) > 0)
  AND (?3 IS NULL OR received_at >= ?3) AND (?4 IS NULL OR received_at < ?4)`;

/** The ids of those that match, oldest first. */
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

export async function countRejected(
  db: D1Database,
  { after, reason, since, until }: RejectedFilter,
): Promise<number> {
  const query = `SELECT count(*) AS n FROM rejected WHERE ${matches}`;
  return (await db.prepare(query).bind(after, reason, since, until).first<number>("n")) ?? 0;
}

/**
 * Forgets messages from before `before` (ms), and the oldest ones beyond `bytesMax`, not all at once. The size is kept up by
 * triggers (`rejected_size`), so that nothing is added up here.
 * @returns how many.
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
