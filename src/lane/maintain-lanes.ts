/** Calls each lane once a day for maintenance, because a sleeping lane has no alarm for removing old data. */
import { forEachConcurrent } from "../platform/concurrency";
import { log } from "../platform/log";
import { laneOf } from "./lane-of";

const minutesPerDay = 1440;
const lanesAtOnce = 50;
/** The most lanes that one run calls. */
const lanesMax = 1000;

/**
 * Calls one in 1440 of the lanes that are in use, so that every lane is called once a day if this runs every minute.
 * @param now in ms.
 */
export async function maintainLanes(env: Env, now: number): Promise<void> {
  const minute = Math.floor(now / 60_000) % minutesPerDay;
  const { results } = await env.DB.prepare(
    `SELECT uuid FROM webhooks, (SELECT max(id) AS last FROM webhooks)
     WHERE id > last * ?1 / ${minutesPerDay} AND id <= last * (?1 + 1) / ${minutesPerDay} AND deleted_at IS NULL AND in_use = 1
     ORDER BY id LIMIT ${lanesMax}`,
  )
    .bind(minute)
    .all<{ uuid: string }>();
  await forEachConcurrent(lanesAtOnce, results, async ({ uuid }) => {
    try {
      await laneOf(env, uuid).maintain();
    } catch (error) {
      log("warn", "lane not maintained", { webhook: uuid, error: String(error) });
    }
  });
}
