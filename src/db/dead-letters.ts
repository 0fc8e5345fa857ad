/** Webhooks with dead letters, by what their lanes last told D1. */
import { type Page, pageOf } from "./page";

/** A webhook with the number of its dead letters. */
export type WebhookWithDead = {
  id: number;
  uuid: string;
  name: string;
  origin: string;
  dead_letters: number;
};

/** In order of creation. @param page.after only webhooks with a higher id. */
export async function listWithDead(
  db: D1Database,
  page: { limit: number; after?: number },
): Promise<Page<WebhookWithDead>> {
  const { results } = await db
    .prepare(
      `SELECT id, uuid, name, origin, dead_letters FROM webhooks
       WHERE dead_letters > 0 AND deleted_at IS NULL AND id > ? ORDER BY id LIMIT ?`,
    )
    .bind(page.after ?? 0, page.limit + 1)
    .all<WebhookWithDead>();
  return pageOf(results, page.limit);
}
