/**
 * The column `waits` of webhooks: whether events wait for a lane in D1's `handovers`, so that later ones must go there, too.
 * It is set as every change of routing is. It is cleared without an announcement: a publish in a shard that still has it finds
 * out in D1, and then has all shards read routing again.
 */
import type { CommitOptions } from "./change-routing";
import { changeRouting } from "./routing-shards";

/**
 * Has webhooks wait, and runs statements in the same batch, which append what waits. On return every publish that starts
 * sees it.
 * @param ids of webhooks in D1; those that are gone are left out.
 * @returns what the statements gave, in their order.
 * @throws {RequestError} 503 as `changeRoutingAt` does.
 */
export function setWaits<Row>(
  env: Env,
  ids: readonly number[],
  append: readonly D1PreparedStatement[],
  options?: CommitOptions,
): Promise<D1Result<Row>[]> {
  return changeRouting(
    env,
    async (record) => {
      const results = await env.DB.batch<Row>([
        record.statement(env.DB),
        env.DB.prepare(
          "UPDATE webhooks SET waits = 1 WHERE waits = 0 AND id IN (SELECT value FROM json_each(?))",
        ).bind(JSON.stringify(ids)),
        ...append,
      ]);
      return results.slice(2);
    },
    options,
  );
}

/** A statement for the batch that removes hand-overs: a webhook that has none left waits no more. @param id of the webhook. */
export function clearWaits(db: D1Database, id: number): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE webhooks SET waits = 0 WHERE id = ?1 AND waits = 1
         AND NOT EXISTS (SELECT 1 FROM handovers WHERE webhook_id = ?1 AND set_aside IS NULL)`,
    )
    .bind(id);
}
