/**
 * The switch for failed job runs: it adds or removes subscriptions of all webhooks to some event types, not limited to
 * a project or job. A change is planned first and then applied. The subscriptions that it added or removed are stored
 * for an hour, so that it can be undone.
 */
import { changeRouting } from "../events/shard/routing-shards";

/** A change of the switch to on or off, for these event types. `max`: the most subscriptions that a webhook may have. */
export type SwitchChange = { isOn: boolean; types: readonly string[]; max: number };

/** A webhook that a change of the switch concerns. */
export type SwitchedWebhook = { id: number; uuid: string; name: string; origin: string };

/**
 * The webhooks that a change would change, and (`full`) those that it leaves out because they would have too many
 * subscriptions. In order of creation.
 */
export type SwitchPlan = { webhooks: SwitchedWebhook[]; full: SwitchedWebhook[] };

/** SQL: the subscription `s` of the webhook `w` that the switch controls for `c.event_type`. */
export const ownSubscription = `subscriptions s
  WHERE s.event_type = c.event_type AND s.project_uuid = '' AND s.job_uuid = '' AND s.webhook_id = w.id`;

/** @param added SQL. @param max SQL. @returns SQL: whether the webhook `w` may have `added` more subscriptions. */
export function hasRoom(added: string, max: string): string {
  return `${added} + (SELECT count(*) FROM (SELECT 1 FROM subscriptions r WHERE r.webhook_id = w.id LIMIT ${max})) <= ${max}`;
}

/** SQL: the event types in the JSON array `?1`, as `c`. */
const types = `(SELECT key AS place, value AS event_type FROM json_each(?1)) c`;
/** SQL: how many of the types the webhook `w` is not subscribed to. */
const missing = `(SELECT count(*) FROM ${types} WHERE NOT EXISTS (SELECT 1 FROM ${ownSubscription}))`;

/** @returns the webhooks that a change would change now. */
export async function planSwitchChange(db: D1Database, change: SwitchChange): Promise<SwitchPlan> {
  const list = JSON.stringify(change.types);
  const columns = "w.id, w.uuid, w.name, w.origin";
  if (!change.isOn) {
    const { results } = await db
      .prepare(
        `SELECT ${columns} FROM webhooks w WHERE w.deleted_at IS NULL
           AND EXISTS (SELECT 1 FROM ${types} WHERE EXISTS (SELECT 1 FROM ${ownSubscription})) ORDER BY w.id`,
      )
      .bind(list)
      .all<SwitchedWebhook>();
    return { webhooks: results, full: [] };
  }
  const { results } = await db
    .prepare(
      `SELECT ${columns}, ${hasRoom("missing", "?2")} AS has_room
       FROM (SELECT *, ${missing} AS missing FROM webhooks w WHERE w.deleted_at IS NULL) w
       WHERE missing > 0 ORDER BY w.id`,
    )
    .bind(list, change.max)
    .all<SwitchedWebhook & { has_room: number }>();
  return {
    webhooks: results.filter(({ has_room }) => has_room === 1),
    full: results.filter(({ has_room }) => has_room === 0),
  };
}

/** SQL: a random uuid (version 4), a new one for each row. */
const freshUuid = `lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
  || '-' || substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`;

/** SQL: records the subscriptions that a change to on adds. */
const toBeAdded = `INSERT INTO job_failure_changes (switch_id, webhook_id, uuid, event_type, created_at)
  SELECT j.id, w.id, ${freshUuid}, c.event_type, j.at
  FROM job_failure_switches j CROSS JOIN json_each(?3) i CROSS JOIN webhooks w ON w.id = i.value CROSS JOIN ${types}
  WHERE j.uuid = ?2 AND w.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM ${ownSubscription})
    AND ${hasRoom(missing, "?4")}
  ORDER BY w.id, c.place`;

/** SQL: records the subscriptions that a change to off removes. */
const toBeRemoved = `INSERT INTO job_failure_changes
    (switch_id, webhook_id, uuid, event_type, created_at, subscription_id)
  SELECT j.id, w.id, s.uuid, s.event_type, s.created_at, s.id
  FROM job_failure_switches j CROSS JOIN json_each(?3) i CROSS JOIN webhooks w ON w.id = i.value CROSS JOIN ${types}
  CROSS JOIN ${ownSubscription} AND j.uuid = ?2 AND w.deleted_at IS NULL ORDER BY s.id`;

/** SQL: adds the recorded subscriptions. */
const add = `INSERT INTO subscriptions (uuid, webhook_id, event_type, project_uuid, job_uuid, created_at)
  SELECT c.uuid, c.webhook_id, c.event_type, '', '', c.created_at FROM job_failure_changes c
  WHERE c.switch_id = (SELECT id FROM job_failure_switches WHERE uuid = ?1) ORDER BY c.id`;

/** SQL: removes the recorded subscriptions. */
const remove = `DELETE FROM subscriptions WHERE id IN (SELECT c.subscription_id FROM job_failure_changes c
  WHERE c.switch_id = (SELECT id FROM job_failure_switches WHERE uuid = ?1))`;

/**
 * Changes the switch for these webhooks, in one transaction. Webhooks that were deleted or changed since they were
 * planned, or would have too many subscriptions, are not changed.
 * @param options.at in ms. @returns how many webhooks were changed.
 * @throws {RequestError} 503 when D1 or an event shard cannot be reached.
 */
export async function changeSwitch(
  env: Env,
  { isOn, types: list, max }: SwitchChange,
  { at, webhookIds }: { at: number; webhookIds: readonly number[] },
): Promise<number> {
  const db = env.DB;
  const uuid = crypto.randomUUID();
  const parameters = [JSON.stringify(list), uuid, JSON.stringify(webhookIds)];
  const statements = [
    db
      .prepare("INSERT INTO job_failure_switches (uuid, at, is_on, webhooks) VALUES (?, ?, ?, 0)")
      .bind(uuid, at, isOn ? 1 : 0),
    isOn ? db.prepare(toBeAdded).bind(...parameters, max) : db.prepare(toBeRemoved).bind(...parameters),
    db.prepare(isOn ? add : remove).bind(uuid),
    db
      .prepare(
        `UPDATE job_failure_switches SET webhooks = (
           SELECT count(DISTINCT c.webhook_id) FROM job_failure_changes c WHERE c.switch_id = job_failure_switches.id
         ) WHERE uuid = ? RETURNING webhooks`,
      )
      .bind(uuid),
    db.prepare("DELETE FROM job_failure_switches WHERE uuid = ? AND webhooks = 0").bind(uuid),
  ];
  const [, , , , counted] = await changeRouting(env, (record) =>
    db.batch<{ webhooks: number }>([record.statement(db), ...statements]),
  );
  return counted?.results[0]?.webhooks ?? 0;
}
