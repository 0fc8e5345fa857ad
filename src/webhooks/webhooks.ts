/** Queries on the table `webhooks`. They ignore webhooks that are being deleted (`deleted_at`), unless stated otherwise. */
import { and, eq, gt, inArray, isNotNull, isNull, lt, or, sql, type SQL } from "drizzle-orm";
import { patternsFor } from "../events/patterns";
import { changeRouting } from "../events/shard/routing-shards";
import { database } from "../db/database";
import { withTimeout } from "../platform/timeouts";
import { subscriptions, webhooks } from "../db/schema";
import {
  addSubscriptions,
  keepOnlySubscriptions,
  listSubscriptions,
  type Subscription,
  type SubscriptionSpec,
} from "./subscriptions";

/** A row of `webhooks`. */
export type Webhook = typeof webhooks.$inferSelect;

/** The columns of a new webhook that have no default. */
export type NewWebhook = Pick<
  Webhook,
  | "uuid"
  | "name"
  | "origin"
  | "encryptedSettings"
  | "verifySsl"
  | "contentType"
  | "ordering"
  | "retryMaxAttempts"
  | "retryMaxAgeS"
  | "timeoutS"
  | "rateLimitPerS"
  | "digestS"
  | "egress"
  | "headerNames"
  | "format"
  | "formatOptionNames"
>;

/** The columns that a change may set. Absent ones keep their values. */
export type WebhookChanges = Partial<Omit<NewWebhook, "uuid"> & Pick<Webhook, "previousSecretUntil">>;

/** @returns all webhooks, in order of creation. */
export function listWebhooks(env: Env): Promise<Webhook[]> {
  return database(env).select().from(webhooks).where(isNull(webhooks.deletedAt)).orderBy(webhooks.id);
}

/** @returns the first `limit` webhooks with an id above `after`, in order of creation. */
export function listWebhooksAfter(env: Env, after: number, limit: number): Promise<Webhook[]> {
  return database(env)
    .select()
    .from(webhooks)
    .where(and(gt(webhooks.id, after), isNull(webhooks.deletedAt)))
    .orderBy(webhooks.id)
    .limit(limit);
}

/** @returns the webhook; null when it does not exist or was deleted. @throws when D1 does not respond within 5 s. */
export async function findWebhook(env: Env, uuid: string): Promise<Webhook | null> {
  const query = database(env)
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.uuid, uuid), isNull(webhooks.deletedAt)));
  const [found] = await withTimeout(query.all());
  return found ?? null;
}

/** @param now in ms. @returns the uuids of at most 100 webhooks whose previous secret has expired. */
export async function listWithExpiredSecret(env: Env, now: number): Promise<string[]> {
  const rows = await database(env)
    .select({ uuid: webhooks.uuid })
    .from(webhooks)
    .where(and(lt(webhooks.previousSecretUntil, now), isNull(webhooks.deletedAt)))
    .limit(100);
  return rows.map((row) => row.uuid);
}

/**
 * @param filter the event's type, project and job; null when it has none.
 * @returns the webhooks that match such an event, in order of creation.
 */
export function listSubscribedWebhooks(
  env: Env,
  filter: { eventType: string; projectUuid: string | null; jobUuid: string | null },
): Promise<Webhook[]> {
  const db = database(env);
  const subscribed = db
    .select({ id: subscriptions.webhookId })
    .from(subscriptions)
    .where(
      and(
        inArray(subscriptions.eventType, patternsFor(filter.eventType)),
        covers(filter.projectUuid, filter.jobUuid),
      ),
    );
  return db
    .select()
    .from(webhooks)
    .where(and(inArray(webhooks.id, subscribed), isNull(webhooks.deletedAt)))
    .orderBy(webhooks.id);
}

/** The condition on subscriptions that match events of this project and job. */
function covers(projectUuid: string | null, jobUuid: string | null): SQL | undefined {
  return or(
    limitedTo("", ""),
    projectUuid === null ? undefined : limitedTo(projectUuid, ""),
    projectUuid === null || jobUuid === null ? undefined : limitedTo(projectUuid, jobUuid),
  );
}

/** An empty project or job means "any". */
function limitedTo(projectUuid: string, jobUuid: string): SQL | undefined {
  return and(eq(subscriptions.projectUuid, projectUuid), eq(subscriptions.jobUuid, jobUuid));
}

/**
 * Inserts a webhook with its subscriptions, in one transaction.
 * @returns the stored rows.
 * @throws {RequestError} 503 when D1 or an event shard cannot be reached.
 */
export async function insertWebhook(
  env: Env,
  webhook: NewWebhook,
  subscriptionSpecs: SubscriptionSpec[],
): Promise<{ stored: Webhook; subscriptions: Subscription[] }> {
  const db = database(env);
  const owner = sql`select ${webhooks.id} from ${webhooks} where ${eq(webhooks.uuid, webhook.uuid)}`;
  const now = Date.now();
  const [, [stored]] = await changeRouting(env, (record) =>
    db.batch([
      record.insert(db),
      db
        .insert(webhooks)
        .values({ ...webhook, createdAt: now })
        .returning(),
      addSubscriptions(db, owner, subscriptionSpecs, now),
    ]),
  );
  if (stored === undefined) throw new Error("D1 returned no row for a new webhook.");
  return { stored, subscriptions: await listSubscriptions(env, webhook.uuid) };
}

/**
 * Changes a webhook and raises its version, in one transaction, if its version is still that of `read` (optimistic
 * locking).
 * @param read the row that the changes were computed from.
 * @param subscriptionSpecs all of its new subscriptions; absent to keep them.
 * @returns the changed row, or null when the webhook was changed or deleted in between.
 * @throws {RequestError} 503 when D1 or an event shard cannot be reached.
 */
export async function updateWebhook(
  env: Env,
  read: Webhook,
  changes: WebhookChanges,
  subscriptionSpecs?: SubscriptionSpec[],
): Promise<Webhook | null> {
  const db = database(env);
  const unchanged = and(
    eq(webhooks.id, read.id),
    eq(webhooks.version, read.version),
    isNull(webhooks.deletedAt),
  );
  const raise = db
    .update(webhooks)
    .set({ ...changes, version: sql`${webhooks.version} + 1` })
    .where(unchanged)
    .returning();
  if (subscriptionSpecs === undefined) {
    const [, [changed]] = await changeRouting(env, (record) => db.batch([record.insert(db), raise]));
    return changed ?? null;
  }
  // The version is raised last, because the other statements check it as well.
  const owner = sql`select ${webhooks.id} from ${webhooks} where ${unchanged}`;
  const [, , , [changed]] = await changeRouting(env, (record) =>
    db.batch([
      record.insert(db),
      keepOnlySubscriptions(db, owner, subscriptionSpecs),
      addSubscriptions(db, owner, subscriptionSpecs, Date.now()),
      raise,
    ]),
  );
  return changed ?? null;
}

/** A deleted webhook, for the audit log. */
export type DeletedWebhook = Pick<Webhook, "name" | "origin">;

/**
 * Marks a webhook as being deleted. May be repeated.
 * @returns the webhook, or null when there is none with this uuid.
 * @throws {RequestError} 503 when D1 or an event shard cannot be reached.
 */
export async function markDeleted(env: Env, uuid: string): Promise<DeletedWebhook | null> {
  const db = database(env);
  const query = db.select({ id: webhooks.id }).from(webhooks).where(eq(webhooks.uuid, uuid));
  const [found] = await withTimeout(query.all());
  if (found === undefined) return null;
  const mark = db
    .update(webhooks)
    .set({ deletedAt: sql`coalesce(${webhooks.deletedAt}, ${Date.now()})` })
    .where(eq(webhooks.uuid, uuid))
    .returning({ name: webhooks.name, origin: webhooks.origin });
  const [, [marked]] = await changeRouting(env, (record) => db.batch([record.insert(db), mark]));
  return marked ?? null;
}

/**
 * @returns the uuids of at most `limit` webhooks whose deletion started before `before` (ms) and is not finished, chosen
 *   at random, so that those whose lanes do not respond keep no others from their turn.
 */
export async function listUnfinishedDeletions(env: Env, before: number, limit: number): Promise<string[]> {
  const rows = await database(env)
    .select({ uuid: webhooks.uuid })
    .from(webhooks)
    .where(lt(webhooks.deletedAt, before))
    .orderBy(sql`random()`)
    .limit(limit);
  return rows.map((row) => row.uuid);
}

/**
 * Deletes the row of a webhook that is marked as being deleted, with its subscriptions and pending hand-overs. Event
 * shards need no notice: they have not matched it since it was marked.
 */
export async function removeDeleted(env: Env, uuid: string): Promise<void> {
  await database(env)
    .delete(webhooks)
    .where(and(eq(webhooks.uuid, uuid), isNotNull(webhooks.deletedAt)));
}
