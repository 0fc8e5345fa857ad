/** What the switch for failed job runs did within the last hour, and the way back. */
import { hasRoom, ownSubscription, type SwitchedWebhook } from "./job-failure-switch";

/** For so long a turn of the switch can be undone. */
const undoMs = 3_600_000;

/** A turn of the switch; `at` in ms, `webhooks`: how many it changed. */
export type PastSwitchChange = { uuid: string; at: number; isOn: boolean; webhooks: number };

/** @returns the latest turn, unless it is too long ago to be undone or was undone. */
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
 * What an undo did. `restored`: how many webhooks are as they were. Not restored, or in part only: `resubscribed` have
 * been subscribed again since, `full` have no room, `gone`: how many were deleted.
 */
export type UndoResult = {
  isOn: boolean;
  restored: number;
  resubscribed: Pick<SwitchedWebhook, "name" | "origin">[];
  full: Pick<SwitchedWebhook, "name" | "origin">[];
  gone: number;
};

/** The turn with the uuid `?1`, if it was later than `?2`. */
const turn = "(SELECT id FROM job_failure_switches WHERE uuid = ?1 AND at > ?2)";
/** Its changes `c`, with their webhooks `w`. */
const changes = `job_failure_changes c JOIN webhooks w ON w.id = c.webhook_id AND w.deleted_at IS NULL
  WHERE c.switch_id = ${turn}`;
/** Whether something else stands where a change `c` of the webhook `w` was. */
const isResubscribed = `EXISTS (SELECT 1 FROM ${ownSubscription} AND s.uuid <> c.uuid)`;
const isThere = `EXISTS (SELECT 1 FROM ${ownSubscription})`;
/** Whether the webhook `w` has room for all that is to be given back to it. */
const fits = hasRoom(
  `(SELECT count(*) FROM job_failure_changes c WHERE c.switch_id = ${turn} AND c.webhook_id = w.id AND NOT ${isThere})`,
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
 * Undoes a turn, once: takes away exactly what it added, or gives back exactly what it took, with its uuids and, where
 * they are free, its ids. Atomic.
 * @param options.max the most subscriptions that a webhook may have. @param options.now in ms.
 * @returns null where there is nothing to undo: it was undone, or is too long ago.
 */
export async function undoSwitchChange(
  db: D1Database,
  uuid: string,
  { now, max }: { now: number; max: number },
): Promise<UndoResult | null> {
  const prepare = (statement: string): D1PreparedStatement => db.prepare(statement).bind(uuid, now - undoMs);
  const prepareWithMax = (statement: string): D1PreparedStatement =>
    db.prepare(statement).bind(uuid, now - undoMs, max);
  const giveBack = (id: string, condition: string): D1PreparedStatement =>
    prepareWithMax(`INSERT INTO subscriptions (id, uuid, webhook_id, event_type, project_uuid, job_uuid, created_at)
      SELECT ${id}, c.uuid, c.webhook_id, c.event_type, '', '', c.created_at FROM ${changes}
        AND c.subscription_id IS NOT NULL AND NOT ${isThere} AND ${fits} AND ${condition} ORDER BY c.id`);
  const [rows] = await db.batch<ChangeRow>([
    prepareWithMax(`SELECT c.webhook_id, j.is_on, w.name, w.origin, CASE
        WHEN w.id IS NULL THEN 'gone'
        WHEN ${isResubscribed} THEN 'resubscribed'
        WHEN j.is_on = 1 AND NOT ${isThere} THEN 'as before'
        WHEN j.is_on = 0 AND NOT ${fits} THEN 'full'
        ELSE 'restored' END AS outcome
      FROM job_failure_switches j JOIN job_failure_changes c ON c.switch_id = j.id
      LEFT JOIN webhooks w ON w.id = c.webhook_id AND w.deleted_at IS NULL
      WHERE j.id = ${turn} ORDER BY c.id`),
    prepare(`DELETE FROM subscriptions WHERE id IN (
        SELECT s.id FROM job_failure_changes c CROSS JOIN webhooks w ON w.id = c.webhook_id CROSS JOIN ${ownSubscription}
          AND s.uuid = c.uuid AND c.subscription_id IS NULL AND c.switch_id = ${turn}
      )`),
    // In two steps: an id that the database chooses must be none that another row is to have.
    giveBack(
      "c.subscription_id",
      "NOT EXISTS (SELECT 1 FROM subscriptions x WHERE x.id = c.subscription_id)",
    ),
    giveBack("NULL", "true"),
    prepare(`DELETE FROM job_failure_switches WHERE id = ${turn}`),
  ]);
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

/** Forgets turns that are too long ago to be undone. @param now in ms. */
export async function pruneSwitchChanges(db: D1Database, now: number): Promise<void> {
  await db
    .prepare("DELETE FROM job_failure_switches WHERE at <= ?")
    .bind(now - undoMs)
    .run();
}
