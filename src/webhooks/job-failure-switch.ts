/**
 * The switch for failed job runs, which stands for unlimited subscriptions of every webhook to some event types: whom it
 * would change, and the change. What it changed is written down for an hour, so that it can be undone.
 */

/** What the switch is turned to, and for which event types. `max`: the most subscriptions that a webhook may have. */
export type SwitchChange = { isOn: boolean; types: readonly string[]; max: number };

/** A webhook that the switch is about. */
export type SwitchedWebhook = { id: number; uuid: string; name: string; origin: string };

/** Whom a turn would change, and (`full`) whom it leaves out, as there is no room for its subscriptions. In order of creation. */
export type SwitchPlan = { webhooks: SwitchedWebhook[]; full: SwitchedWebhook[] };

/** The switch's subscription `c.event_type` of the webhook `w`, as `s`. */
export const ownSubscription = `subscriptions s
  WHERE s.event_type = c.event_type AND s.project_uuid = '' AND s.job_uuid = '' AND s.webhook_id = w.id`;

/** SQL: whether the webhook `w` has room for so many more subscriptions. @param added SQL. @param max SQL. */
export function hasRoom(added: string, max: string): string {
  return `${added} + (SELECT count(*) FROM (SELECT 1 FROM subscriptions r WHERE r.webhook_id = w.id LIMIT ${max})) <= ${max}`;
}

/** The event types in the JSON list `?1`, as `c`. */
const types = `(SELECT key AS place, value AS event_type FROM json_each(?1)) c`;
/** How many of the types the webhook `w` is not subscribed to. */
const missing = `(SELECT count(*) FROM ${types} WHERE NOT EXISTS (SELECT 1 FROM ${ownSubscription}))`;

/** @returns what a turn would do now. */
export async function planSwitchChange(db: D1Database, turn: SwitchChange): Promise<SwitchPlan> {
  const list = JSON.stringify(turn.types);
  const columns = "w.id, w.uuid, w.name, w.origin";
  if (!turn.isOn) {
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
    .bind(list, turn.max)
    .all<SwitchedWebhook & { has_room: number }>();
  return {
    webhooks: results.filter(({ has_room }) => has_room === 1),
    full: results.filter(({ has_room }) => has_room === 0),
  };
}

/** A random uuid (version 4), made by the database: a new one for each row. */
const freshUuid = `lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
  || '-' || substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`;

/** What is written down of a turn to on: the subscriptions that are missing. */
const toBeAdded = `INSERT INTO job_failure_changes (switch_id, webhook_id, uuid, event_type, created_at)
  SELECT j.id, w.id, ${freshUuid}, c.event_type, j.at
  FROM job_failure_switches j CROSS JOIN json_each(?3) i CROSS JOIN webhooks w ON w.id = i.value CROSS JOIN ${types}
  WHERE j.uuid = ?2 AND w.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM ${ownSubscription})
    AND ${hasRoom(missing, "?4")}
  ORDER BY w.id, c.place`;

/** Of a turn to off: the subscriptions that there are. */
const toBeRemoved = `INSERT INTO job_failure_changes
    (switch_id, webhook_id, uuid, event_type, created_at, subscription_id)
  SELECT j.id, w.id, s.uuid, s.event_type, s.created_at, s.id
  FROM job_failure_switches j CROSS JOIN json_each(?3) i CROSS JOIN webhooks w ON w.id = i.value CROSS JOIN ${types}
  CROSS JOIN ${ownSubscription} AND j.uuid = ?2 AND w.deleted_at IS NULL ORDER BY s.id`;

const add = `INSERT INTO subscriptions (uuid, webhook_id, event_type, project_uuid, job_uuid, created_at)
  SELECT c.uuid, c.webhook_id, c.event_type, '', '', c.created_at FROM job_failure_changes c
  WHERE c.switch_id = (SELECT id FROM job_failure_switches WHERE uuid = ?1) ORDER BY c.id`;

const remove = `DELETE FROM subscriptions WHERE id IN (SELECT c.subscription_id FROM job_failure_changes c
  WHERE c.switch_id = (SELECT id FROM job_failure_switches WHERE uuid = ?1))`;

/**
 * Turns the switch for these webhooks and no others, all or nothing. Those that are changed or gone meanwhile, or have no
 * room any more, stay as they are.
 * @param at in ms. @returns how many webhooks this changed.
 */
export async function changeSwitch(
  db: D1Database,
  { isOn, types: list, max }: SwitchChange,
  { at, webhookIds }: { at: number; webhookIds: readonly number[] },
): Promise<number> {
  const uuid = crypto.randomUUID();
  const parameters = [JSON.stringify(list), uuid, JSON.stringify(webhookIds)];
  const [, , , counted] = await db.batch<{ webhooks: number }>([
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
  ]);
  return counted?.results[0]?.webhooks ?? 0;
}
