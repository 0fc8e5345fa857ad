/** Undoes the latest change of the switch for failed job runs. */
import { changeRouting } from "../events/shard/routing-shards";
import { hasRoom, ownSubscription, type SwitchedWebhook } from "./job-failure-switch";

/** How long a change can be undone. */
const undoMs = 3_600_000;

/** A change of the switch; `at` in ms; `webhooks`: how many it changed. */
export type PastSwitchChange = { uuid: string; at: number; isOn: boolean; webhooks: number };

/** @param now in ms. @returns the latest change, or null when it is more than an hour old or was undone. */
export async function latestSwitchChange(db: D1Database, now: number): Promise<PastSwitchChange | null> {
  const row = await db
    .prepare(
      "SELECT uuid, at, is_on, webhooks FROM job_failure_switches WHERE at > ? ORDER BY id DESC LIMIT 1",
    )
    .bind(now - undoMs)
    .first<{ uuid: string; at: number; is_on: number; webhooks: number }>();
  return row === null ? null : { uuid: row.uuid, at: row.at, isOn: row.is_on === 1, webhooks: row.webhooks };
}

/**
 * The result of an undo. `restored`: how many webhooks were restored. The others were not restored, or only in part:
 * the webhooks in `resubscribed` were subscribed again since, those in `full` would have too many subscriptions, and
 * `gone` (a number) were deleted.
 */
export type UndoResult = {
  isOn: boolean;
  restored: number;
  resubscribed: Pick<SwitchedWebhook, "name" | "origin">[];
  full: Pick<SwitchedWebhook, "name" | "origin">[];
  gone: number;
};

/** SQL: the id of the change with the uuid `?1`, if it was made after `?2`. */
const switchId = "(SELECT id FROM job_failure_switches WHERE uuid = ?1 AND at > ?2)";
/** SQL: its subscriptions `c`, with their webhooks `w`. */
const changes = `job_failure_changes c JOIN webhooks w ON w.id = c.webhook_id AND w.deleted_at IS NULL
  WHERE c.switch_id = ${switchId}`;
/** SQL: whether the webhook `w` has another subscription of the same kind as `c`. */
const isResubscribed = `EXISTS (SELECT 1 FROM ${ownSubscription} AND s.uuid <> c.uuid)`;
/** SQL: whether the webhook `w` is subscribed to the type of `c`. */
const isThere = `EXISTS (SELECT 1 FROM ${ownSubscription})`;
/** SQL: whether the webhook `w` may have all the subscriptions that were removed from it. */
const fits = hasRoom(
  `(SELECT count(*) FROM job_failure_changes c WHERE c.switch_id = ${switchId} AND c.webhook_id = w.id AND NOT ${isThere})`,
  "?3",
);

type ChangeRow = {
  webhook_id: number;
  is_on: number;
  name: string | null;
  origin: string | null;
  outcome: "gone" | "resubscribed" | "as before" | "full" | "restored";
};

/**
 * Undoes a change, once, in one transaction: removes exactly the subscriptions that it added, or restores those that it
 * removed, with their uuids and, unless they are taken, their ids.
 * @param uuid of the change. @param options.max the most subscriptions that a webhook may have. @param options.now in ms.
 * @returns null when there is nothing to undo: the change is more than an hour old or was undone.
 * @throws {RequestError} 503 when D1 or an event shard cannot be reached.
 */
export async function undoSwitchChange(
  env: Env,
  uuid: string,
  { now, max }: { now: number; max: number },
): Promise<UndoResult | null> {
  const db = env.DB;
  const prepare = (statement: string): D1PreparedStatement => db.prepare(statement).bind(uuid, now - undoMs);
  const prepareWithMax = (statement: string): D1PreparedStatement =>
    db.prepare(statement).bind(uuid, now - undoMs, max);
  const restore = (id: string, condition: string): D1PreparedStatement =>
    prepareWithMax(`INSERT INTO subscriptions (id, uuid, webhook_id, event_type, project_uuid, job_uuid, created_at)
      SELECT ${id}, c.uuid, c.webhook_id, c.event_type, '', '', c.created_at FROM ${changes}
        AND c.subscription_id IS NOT NULL AND NOT ${isThere} AND ${fits} AND ${condition} ORDER BY c.id`);
  const statements = [
    prepareWithMax(`SELECT c.webhook_id, j.is_on, w.name, w.origin, CASE
        WHEN w.id IS NULL THEN 'gone'
        WHEN ${isResubscribed} THEN 'resubscribed'
        WHEN j.is_on = 1 AND NOT ${isThere} THEN 'as before'
        WHEN j.is_on = 0 AND NOT ${fits} THEN 'full'
        ELSE 'restored' END AS outcome
      FROM job_failure_switches j JOIN job_failure_changes c ON c.switch_id = j.id
      LEFT JOIN webhooks w ON w.id = c.webhook_id AND w.deleted_at IS NULL
      WHERE j.id = ${switchId} ORDER BY c.id`),
    prepare(`DELETE FROM subscriptions WHERE id IN (
        SELECT s.id FROM job_failure_changes c CROSS JOIN webhooks w ON w.id = c.webhook_id CROSS JOIN ${ownSubscription}
          AND s.uuid = c.uuid AND c.subscription_id IS NULL AND c.switch_id = ${switchId}
      )`),
    // Rows with free ids come first, so that the database does not assign one of these ids to another row.
    restore("c.subscription_id", "NOT EXISTS (SELECT 1 FROM subscriptions x WHERE x.id = c.subscription_id)"),
    restore("NULL", "true"),
    prepare(`DELETE FROM job_failure_switches WHERE id = ${switchId}`),
  ];
  const [, rows] = await changeRouting(env, (record) =>
    db.batch<ChangeRow>([record.statement(db), ...statements]),
  );
  const [first] = rows?.results ?? [];
  return first === undefined ? null : summary(rows?.results ?? [], first.is_on === 1);
}

function summary(rows: readonly ChangeRow[], isOn: boolean): UndoResult {
  const byWebhook = (outcome: ChangeRow["outcome"]): ChangeRow[] => [
    ...new Map(rows.filter((row) => row.outcome === outcome).map((row) => [row.webhook_id, row])).values(),
  ];
  const named = (outcome: ChangeRow["outcome"]): UndoResult["full"] =>
    byWebhook(outcome).map(({ name, origin }) => ({ name: name ?? "", origin: origin ?? "" }));
  return {
    isOn,
    restored: byWebhook("restored").length,
    resubscribed: named("resubscribed"),
    full: named("full"),
    gone: byWebhook("gone").length,
  };
}

/** Deletes changes that can no longer be undone. @param now in ms. */
export async function pruneSwitchChanges(db: D1Database, now: number): Promise<void> {
  await db
    .prepare("DELETE FROM job_failure_switches WHERE at <= ?")
    .bind(now - undoMs)
    .run();
}
