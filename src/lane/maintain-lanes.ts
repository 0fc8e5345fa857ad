/** Calling on every lane once a day: one that sleeps has no alarm that would make it forget what is past its time. */
import { forEachConcurrent } from "../platform/concurrency";
import { log } from "../platform/log";

const minutesPerDay = 1440;
const lanesAtOnce = 50;

/** Calls on one in 1440 of the webhooks: all of them, when it is called every minute. @param now in ms. */
export async function maintainLanes(env: Env, now: number): Promise<void> {
  const minute = Math.floor(now / 60_000) % minutesPerDay;
  const { results } = await env.DB.prepare(
    `SELECT uuid FROM webhooks, (SELECT max(id) AS last FROM webhooks)
     WHERE id > last * ?1 / ${minutesPerDay} AND id <= last * (?1 + 1) / ${minutesPerDay} AND deleted_at IS NULL`,
  )
    .bind(minute)
    .all<{ uuid: string }>();
  await forEachConcurrent(lanesAtOnce, results, async ({ uuid }) => {
    try {
      await env.LANES.getByName(uuid).maintain();
    } catch (error) {
      log("warn", "lane not tended", { webhook: uuid, error: String(error) });
    }
  });
}
