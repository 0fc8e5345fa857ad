/** Queries on what is sealed, by the key that sealed it: a key's id stands before the first dot. */
import { and, asc, count, desc, inArray, isNull, notInArray, sql, type SQL } from "drizzle-orm";
import { database } from "../db/database";
import { webhooks } from "../db/schema";

/** A webhook's sealed settings. */
export type Sealed = { uuid: string; sealed: string };

const keyId = sql<string>`substr(${webhooks.sealed}, 1, instr(${webhooks.sealed}, '.') - 1)`;
const columns = { uuid: webhooks.uuid, sealed: webhooks.sealed };

/** @returns the oldest and the newest: when keys change, one of them shows it. None without webhooks. */
export async function sealedSamples(env: Env): Promise<Sealed[]> {
  const db = database(env);
  const first = (order: SQL) =>
    db.select(columns).from(webhooks).where(isNull(webhooks.deletedAt)).orderBy(order).limit(1);
  const [oldest, newest] = await db.batch([first(asc(webhooks.id)), first(desc(webhooks.id))]);
  return [...oldest, ...newest];
}

/** @returns the uuids of at most `limit` webhooks that one of these keys sealed, in order of creation. */
export async function listSealedWith(env: Env, keyIds: string[], limit: number): Promise<string[]> {
  const rows = await database(env)
    .select({ uuid: webhooks.uuid })
    .from(webhooks)
    .where(and(inArray(keyId, keyIds), isNull(webhooks.deletedAt)))
    .orderBy(webhooks.id)
    .limit(limit);
  return rows.map((row) => row.uuid);
}

/** @returns how many webhooks one of these keys sealed. */
export async function countSealedWith(env: Env, keyIds: string[]): Promise<number> {
  const [row] = await database(env)
    .select({ count: count() })
    .from(webhooks)
    .where(and(inArray(keyId, keyIds), isNull(webhooks.deletedAt)));
  return row?.count ?? 0;
}

/** @returns how many webhooks none of these keys sealed. */
export async function countSealedWithout(env: Env, keyIds: string[]): Promise<number> {
  const [row] = await database(env)
    .select({ count: count() })
    .from(webhooks)
    .where(and(notInArray(keyId, keyIds), isNull(webhooks.deletedAt)));
  return row?.count ?? 0;
}
