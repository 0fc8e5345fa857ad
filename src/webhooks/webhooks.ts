/** Queries on the table of webhooks. A webhook that is being deleted (`deleted_at`) does not exist for them. */
import { and, eq, gt, inArray, isNotNull, isNull, lt, or, sql, type SQL } from "drizzle-orm";
import { patternsFor } from "../events/patterns";
import { database } from "../db/database";
import { subscriptions, webhooks } from "../db/schema";
import {
  addSubscriptions,
  keepOnlySubscriptions,
  listSubscriptions,
  type Subscription,
  type SubscriptionSpec,
} from "./subscriptions";

/** A webhook's row. */
export type Webhook = typeof webhooks.$inferSelect;

/** What a new webhook is made of. */
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
  | "headerNames"
>;

/** What a change may set; what is absent stays. */
export type WebhookChanges = Partial<Omit<NewWebhook, "uuid"> & Pick<Webhook, "previousSecretUntil">>;

/** @returns every webhook in order of creation. */
export function listWebhooks(env: Env): Promise<Webhook[]> {
  return database(env).select().from(webhooks).where(isNull(webhooks.deletedAt)).orderBy(webhooks.id);
}

/** @returns at most `limit` webhooks in order of creation, those whose id is greater than `after`. */
export function listWebhooksAfter(env: Env, after: number, limit: number): Promise<Webhook[]> {
  return database(env)
    .select()
    .from(webhooks)
    .where(and(gt(webhooks.id, after), isNull(webhooks.deletedAt)))
    .orderBy(webhooks.id)
    .limit(limit);
}

/** @returns the webhook, or null when there is none (any more). */
export async function findWebhook(env: Env, uuid: string): Promise<Webhook | null> {
  const [found] = await database(env)
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.uuid, uuid), isNull(webhooks.deletedAt)));
  return found ?? null;
}

/** @returns the webhooks whose previous secret's grace period is over, a few at a time. */
export async function listWithExpiredSecret(env: Env, now: number): Promise<string[]> {
  const rows = await database(env)
    .select({ uuid: webhooks.uuid })
    .from(webhooks)
    .where(and(lt(webhooks.previousSecretUntil, now), isNull(webhooks.deletedAt)))
    .limit(100);
  return rows.map((row) => row.uuid);
}

/**
 * @param filter What the event is about; `null` for not about any.
 * @returns the webhooks, in order of creation, that an event of this type would be sent to.
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

/** What a subscription may be limited to so that it still hears of this project and job. */
function covers(projectUuid: string | null, jobUuid: string | null): SQL | undefined {
  return or(
    limitedTo("", ""),
    projectUuid === null ? undefined : limitedTo(projectUuid, ""),
    projectUuid === null || jobUuid === null ? undefined : limitedTo(projectUuid, jobUuid),
  );
}

/** The empty text means "not limited". */
function limitedTo(projectUuid: string, jobUuid: string): SQL | undefined {
  return and(eq(subscriptions.projectUuid, projectUuid), eq(subscriptions.jobUuid, jobUuid));
}

/** Stores a webhook with its subscriptions, all or nothing. @returns what is stored. */
export async function insertWebhook(
  env: Env,
  webhook: NewWebhook,
  subscriptionSpecs: SubscriptionSpec[],
): Promise<{ stored: Webhook; subscriptions: Subscription[] }> {
  const db = database(env);
  const owner = sql`select ${webhooks.id} from ${webhooks} where ${eq(webhooks.uuid, webhook.uuid)}`;
  const now = Date.now();
  const [[stored]] = await db.batch([
    db
      .insert(webhooks)
      .values({ ...webhook, createdAt: now })
      .returning(),
    addSubscriptions(db, owner, subscriptionSpecs, now),
  ]);
  if (stored === undefined) throw new Error("D1 gave no row back for a new webhook.");
  return { stored, subscriptions: await listSubscriptions(env, webhook.uuid) };
}

/**
 * Changes a webhook and raises its version, all or nothing, provided that it still is what the caller read.
 * @param read The webhook that the changes were computed from.
 * @param subscriptionSpecs Its new set of subscriptions; absent to leave them.
 * @returns the changed row, or null when somebody else changed or deleted the webhook in between.
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
    const [changed] = await raise;
    return changed ?? null;
  }
  // The version is raised last: until then, each statement sees whether the change still may happen.
  const owner = sql`select ${webhooks.id} from ${webhooks} where ${unchanged}`;
  const [, , [changed]] = await db.batch([
    keepOnlySubscriptions(db, owner, subscriptionSpecs),
    addSubscriptions(db, owner, subscriptionSpecs, Date.now()),
    raise,
  ]);
  return changed ?? null;
}

/** What is left to say of a webhook that was deleted. */
export type DeletedWebhook = Pick<Webhook, "name" | "origin">;

/** Makes the webhook disappear for everyone but its deletion. @returns what it was, or null where there was none. */
export async function markDeleted(env: Env, uuid: string): Promise<DeletedWebhook | null> {
  const [marked] = await database(env)
    .update(webhooks)
    .set({ deletedAt: sql`coalesce(${webhooks.deletedAt}, ${Date.now()})` })
    .where(eq(webhooks.uuid, uuid))
    .returning({ name: webhooks.name, origin: webhooks.origin });
  return marked ?? null;
}

/** @returns the uuids of at most `limit` webhooks whose deletion began before `before` (ms) and has not ended. */
export async function listUnfinishedDeletions(env: Env, before: number, limit: number): Promise<string[]> {
  const rows = await database(env)
    .select({ uuid: webhooks.uuid })
    .from(webhooks)
    .where(lt(webhooks.deletedAt, before))
    .limit(limit);
  return rows.map((row) => row.uuid);
}

/** Removes a marked webhook; its subscriptions and hand-overs go with it. */
export async function removeDeleted(env: Env, uuid: string): Promise<void> {
  await database(env)
    .delete(webhooks)
    .where(and(eq(webhooks.uuid, uuid), isNotNull(webhooks.deletedAt)));
}
