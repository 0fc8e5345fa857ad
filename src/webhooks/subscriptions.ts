/** Queries on the table of subscriptions. Lists travel as one JSON parameter: D1 binds at most 100. */
import { and, eq, getTableColumns, inArray, isNull, lte, sql, type SQL } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { database } from "../db/database";
import { subscriptions, webhooks } from "../db/schema";

/** A subscription's row. */
export type Subscription = typeof subscriptions.$inferSelect;

/** What a subscription listens to; an empty project or job means "not limited". */
export type SubscriptionSpec = Pick<Subscription, "eventType" | "projectUuid" | "jobUuid">;

/** @returns the subscriptions of a webhook that is not being deleted, in order of creation. */
export function listSubscriptions(env: Env, webhookUuid: string): Promise<Subscription[]> {
  return database(env)
    .select(getTableColumns(subscriptions))
    .from(subscriptions)
    .innerJoin(webhooks, eq(webhooks.id, subscriptions.webhookId))
    .where(and(eq(webhooks.uuid, webhookUuid), isNull(webhooks.deletedAt)))
    .orderBy(subscriptions.id);
}

/** The first subscriptions of a webhook, and how many it has. */
export type FirstSubscriptions = { first: Subscription[]; total: number };

/**
 * @param ids Of at most 100 webhooks.
 * @param count How many of each are wanted.
 * @returns by webhook id; one without subscriptions is absent.
 */
export async function listFirstSubscriptions(
  env: Env,
  ids: readonly number[],
  count: number,
): Promise<Map<number, FirstSubscriptions>> {
  const db = database(env);
  const ranked = db.$with("ranked").as(
    db
      .select({
        ...getTableColumns(subscriptions),
        place:
          sql<number>`row_number() over (partition by ${subscriptions.webhookId} order by ${subscriptions.id})`.as(
            "place",
          ),
        total: sql<number>`count(*) over (partition by ${subscriptions.webhookId})`.as("total"),
      })
      .from(subscriptions)
      .where(inArray(subscriptions.webhookId, [...ids])),
  );
  const rows = await db.with(ranked).select().from(ranked).where(lte(ranked.place, count)).orderBy(ranked.id);
  const starts = new Map<number, FirstSubscriptions>();
  for (const { place: _, total, ...subscription } of rows) {
    const start = starts.get(subscription.webhookId) ?? { first: [], total };
    start.first.push(subscription);
    starts.set(subscription.webhookId, start);
  }
  return starts;
}

/**
 * A statement that adds what is not there yet.
 * @param owner A query for the webhook's id; nothing is added when it finds none.
 * @param now When they are created, in ms.
 */
export function addSubscriptions(db: DrizzleD1Database, owner: SQL, specs: SubscriptionSpec[], now: number) {
  const rows = JSON.stringify(specs.map((spec) => ({ uuid: crypto.randomUUID(), ...spec })));
  // All columns in the table's order: drizzle names them all in an INSERT … SELECT.
  return db
    .insert(subscriptions)
    .select(
      sql`select null, value->>'uuid', owner.id, value->>'eventType', value->>'projectUuid', value->>'jobUuid', ${now}
        from json_each(${rows}), (${owner}) as owner where true`,
    )
    .onConflictDoNothing();
}

/**
 * A statement that removes every subscription that is not among `specs`.
 * @param owner A query for the webhook's id; nothing is removed when it finds none.
 */
export function keepOnlySubscriptions(db: DrizzleD1Database, owner: SQL, specs: SubscriptionSpec[]) {
  const { webhookId, eventType, projectUuid, jobUuid } = subscriptions;
  return db.delete(subscriptions).where(
    sql`${webhookId} = (${owner}) and (${eventType}, ${projectUuid}, ${jobUuid}) not in
      (select value->>'eventType', value->>'projectUuid', value->>'jobUuid' from json_each(${JSON.stringify(specs)}))`,
  );
}

/** How many webhooks have every one of some unlimited subscriptions, and how many have some of them. */
export type SubscriptionCoverage = { webhooks: number; withAll: number; withSome: number };

/** @param types Different event types; only subscriptions to exactly these, limited to nothing, count. */
export async function countCoverage(env: Env, types: readonly string[]): Promise<SubscriptionCoverage> {
  const spread = await database(env).get<SubscriptionCoverage>(
    sql`select count(*) as webhooks, coalesce(sum(had = ${types.length}), 0) as withAll,
          coalesce(sum(had between 1 and ${types.length - 1}), 0) as withSome
        from (select (
          select count(*) from json_each(${JSON.stringify(types)}) join ${subscriptions}
            on ${unlimited(sql`value`)} and ${subscriptions.webhookId} = ${webhooks.id}
        ) as had from ${webhooks} where ${isNull(webhooks.deletedAt)})`,
  );
  if (spread === undefined) throw new Error("D1 did not count.");
  return spread;
}

/** How many webhooks have a subscription, limited or not, to any of `patterns`: event types and wildcards. */
export async function countWebhooksSubscribedTo(env: Env, patterns: readonly string[]): Promise<number> {
  const [row] = await database(env)
    .select({ count: sql<number>`count(distinct ${subscriptions.webhookId})` })
    .from(subscriptions)
    .innerJoin(webhooks, eq(webhooks.id, subscriptions.webhookId))
    .where(and(inArray(subscriptions.eventType, [...patterns]), isNull(webhooks.deletedAt)));
  return row?.count ?? 0;
}

function unlimited(type: SQL): SQL {
  return sql`${subscriptions.eventType} = ${type} and ${subscriptions.projectUuid} = '' and ${subscriptions.jobUuid} = ''`;
}
