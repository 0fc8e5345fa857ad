/** Queries on webhooks with dead letters. The numbers are the lanes' latest copies in D1, which may lag behind. */
import type { LaneState } from "../lane/lane-record";
import { type Page, pageOf } from "../db/page";

/** A webhook with the number of its dead letters. */
export type WebhookWithDeadLetters = {
  id: number;
  uuid: string;
  name: string;
  origin: string;
  state: LaneState;
  dead_letters: number;
};

/** @returns a page of webhooks with dead letters, in order of creation. @param page.after only those with a higher id. */
export async function listWithDeadLetters(
  db: D1Database,
  page: { limit: number; after?: number },
): Promise<Page<WebhookWithDeadLetters>> {
  const { results } = await db
    .prepare(
      `SELECT id, uuid, name, origin, state, dead_letters FROM webhooks
       WHERE dead_letters > 0 AND deleted_at IS NULL AND id > ? ORDER BY id LIMIT ?`,
    )
    .bind(page.after ?? 0, page.limit + 1)
    .all<WebhookWithDeadLetters>();
  return pageOf(results, page.limit);
}

/** @returns how many webhooks have dead letters, and how many dead letters they have in all. */
export async function countDeadLetters(db: D1Database): Promise<{ webhooks: number; deadLetters: number }> {
  const row = await db
    .prepare(
      `SELECT count(*) AS webhooks, coalesce(sum(dead_letters), 0) AS deadLetters FROM webhooks
       WHERE dead_letters > 0 AND deleted_at IS NULL`,
    )
    .first<{ webhooks: number; deadLetters: number }>();
  return row ?? { webhooks: 0, deadLetters: 0 };
}

/** @returns the webhooks with these uuids that exist, in order of creation, also those without dead letters. */
export async function listByUuids(
  db: D1Database,
  uuids: readonly string[],
): Promise<WebhookWithDeadLetters[]> {
  const { results } = await db
    .prepare(
      `SELECT id, uuid, name, origin, state, dead_letters FROM webhooks
       WHERE uuid IN (SELECT value FROM json_each(?)) AND deleted_at IS NULL ORDER BY id`,
    )
    .bind(JSON.stringify(uuids))
    .all<WebhookWithDeadLetters>();
  return results;
}
