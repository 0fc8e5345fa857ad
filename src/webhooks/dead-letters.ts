/** Webhooks with dead letters, by what their lanes last told D1. */
import type { LaneState } from "../lane/lane-record";
import { type Page, pageOf } from "../db/page";

/** A webhook with the number of its dead letters. */
export type WebhookWithDead = {
  id: number;
  uuid: string;
  name: string;
  origin: string;
  state: LaneState;
  dead_letters: number;
};

/** In order of creation. @param page.after only webhooks with a higher id. */
export async function listWithDead(
  db: D1Database,
  page: { limit: number; after?: number },
): Promise<Page<WebhookWithDead>> {
  const { results } = await db
    .prepare(
      `SELECT id, uuid, name, origin, state, dead_letters FROM webhooks
       WHERE dead_letters > 0 AND deleted_at IS NULL AND id > ? ORDER BY id LIMIT ?`,
    )
    .bind(page.after ?? 0, page.limit + 1)
    .all<WebhookWithDead>();
  return pageOf(results, page.limit);
}

/** How many webhooks have dead letters, and how many these are in all. */
export async function countDead(db: D1Database): Promise<{ webhooks: number; letters: number }> {
  const row = await db
    .prepare(
      `SELECT count(*) AS webhooks, coalesce(sum(dead_letters), 0) AS letters FROM webhooks
       WHERE dead_letters > 0 AND deleted_at IS NULL`,
    )
    .first<{ webhooks: number; letters: number }>();
  return row ?? { webhooks: 0, letters: 0 };
}

/** @returns those of these webhooks that exist, in order of creation, whether they have dead letters or not. */
export async function listAmong(db: D1Database, uuids: readonly string[]): Promise<WebhookWithDead[]> {
  const { results } = await db
    .prepare(
      `SELECT id, uuid, name, origin, state, dead_letters FROM webhooks
       WHERE uuid IN (SELECT value FROM json_each(?)) AND deleted_at IS NULL ORDER BY id`,
    )
    .bind(JSON.stringify(uuids))
    .all<WebhookWithDead>();
  return results;
}
