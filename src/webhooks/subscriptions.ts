/** Queries on the table `subscriptions`. Lists are passed as one JSON parameter, as D1 binds at most 100 parameters. */
import { and, eq, getTableColumns, inArray, isNull, lte, sql, type SQL } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { database } from "../db/database";
import { subscriptions, webhooks } from "../db/schema";

/** A row of `subscriptions`. */
export type Subscription = typeof subscriptions.$inferSelect;

/** The events that a subscription matches. An empty project or job means "any". */
export type SubscriptionSpec = Pick<Subscription, "eventType" | "projectUuid" | "jobUuid">;

/** @returns the subscriptions of a webhook, in order of creation; none when it is being deleted. */
export function listSubscriptions(env: Env, webhookUuid: string): Promise<Subscription[]> {
  return database(env)
    .select(getTableColumns(subscriptions))
    .from(subscriptions)
    .innerJoin(webhooks, eq(webhooks.id, subscriptions.webhookId))
    .where(and(eq(webhooks.uuid, webhookUuid), isNull(webhooks.deletedAt)))
    .orderBy(subscriptions.id);
}

/** The first subscriptions of a webhook, and how many it has in all. */
export type FirstSubscriptions = { first: Subscription[]; total: number };

/**
 * @param ids of at most 100 webhooks.
 * @param count the most subscriptions of each.
 * @returns the first subscriptions by webhook id. Webhooks without any are absent.
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
 * @param owner a query for the webhook's id; nothing is added when it finds none.
 * @param now the time of creation, in ms.
 * @returns a statement that adds the subscriptions that do not exist yet.
 */
export function addSubscriptions(db: DrizzleD1Database, owner: SQL, specs: SubscriptionSpec[], now: number) {
  const rows = JSON.stringify(specs.map((spec) => ({ uuid: crypto.randomUUID(), ...spec })));
  // The columns are in the table's order, because drizzle names all of them in an INSERT … SELECT.
  return db
    .insert(subscriptions)
    .select(
      sql`select null, value->>'uuid', owner.id, value->>'eventType', value->>'projectUuid', value->>'jobUuid', ${now}, 0
        from json_each(${rows}), (${owner}) as owner where true`,
    )
    .onConflictDoNothing();
}

/**
 * @param owner a query for the webhook's id; nothing is removed when it finds none.
 * @returns a statement that removes every subscription that is not among `specs`.
 */
export function keepOnlySubscriptions(db: DrizzleD1Database, owner: SQL, specs: SubscriptionSpec[]) {
  const { webhookId, eventType, projectUuid, jobUuid } = subscriptions;
  return db.delete(subscriptions).where(
    sql`${webhookId} = (${owner}) and (${eventType}, ${projectUuid}, ${jobUuid}) not in
      (select value->>'eventType', value->>'projectUuid', value->>'jobUuid' from json_each(${JSON.stringify(specs)}))`,
  );
}

/** How many webhooks there are, and how many are subscribed to all, or only some, of a set of event types. */
export type SubscriptionCoverage = { webhooks: number; withAll: number; withSome: number };

/**
 * @param types event types without duplicates. @returns the coverage. Wildcards and subscriptions limited to a project
 *   or job do not count.
 */
export async function countCoverage(env: Env, types: readonly string[]): Promise<SubscriptionCoverage> {
  const coverage = await database(env).get<SubscriptionCoverage>(
    sql`select count(*) as webhooks, coalesce(sum(had = ${types.length}), 0) as withAll,
          coalesce(sum(had between 1 and ${types.length - 1}), 0) as withSome
        from (select (
          select count(*) from json_each(${JSON.stringify(types)}) join ${subscriptions}
            on ${unlimited(sql`value`)} and ${subscriptions.webhookId} = ${webhooks.id}
        ) as had from ${webhooks} where ${isNull(webhooks.deletedAt)})`,
  );
  if (coverage === undefined) throw new Error("D1 returned no row for a count.");
  return coverage;
}

/** @param patterns event types and wildcards. @returns how many webhooks have a subscription to any of them. */
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
