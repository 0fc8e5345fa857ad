/** Queries on webhooks by the key that encrypted their settings. The key's id precedes the first dot of the column. */
import { and, asc, count, desc, inArray, isNull, notInArray, sql, type SQL } from "drizzle-orm";
import { database } from "../db/database";
import { webhooks } from "../db/schema";

/** A webhook's encrypted settings. */
export type EncryptedSettings = { uuid: string; encryptedSettings: string };

const keyId = sql<string>`substr(${webhooks.encryptedSettings}, 1, instr(${webhooks.encryptedSettings}, '.') - 1)`;
const columns = { uuid: webhooks.uuid, encryptedSettings: webhooks.encryptedSettings };

/**
 * @returns the settings of the oldest and the newest webhook, if any. Whether they can be decrypted shows whether a key
 *   is missing.
 */
export async function sampleEncryptedSettings(env: Env): Promise<EncryptedSettings[]> {
  const db = database(env);
  const first = (order: SQL) =>
    db.select(columns).from(webhooks).where(isNull(webhooks.deletedAt)).orderBy(order).limit(1);
  const [oldest, newest] = await db.batch([first(asc(webhooks.id)), first(desc(webhooks.id))]);
  return [...oldest, ...newest];
}

/** @returns the uuids of at most `limit` webhooks whose settings one of these keys encrypted, in order of creation. */
export async function listEncryptedWith(env: Env, keyIds: string[], limit: number): Promise<string[]> {
  const rows = await database(env)
    .select({ uuid: webhooks.uuid })
    .from(webhooks)
    .where(and(inArray(keyId, keyIds), isNull(webhooks.deletedAt)))
    .orderBy(webhooks.id)
    .limit(limit);
  return rows.map((row) => row.uuid);
}

/** @returns how many webhooks have settings that one of these keys encrypted. */
export async function countEncryptedWith(env: Env, keyIds: string[]): Promise<number> {
  const [row] = await database(env)
    .select({ count: count() })
    .from(webhooks)
    .where(and(inArray(keyId, keyIds), isNull(webhooks.deletedAt)));
  return row?.count ?? 0;
}

/** @returns how many webhooks have settings that none of these keys encrypted. */
export async function countEncryptedWithout(env: Env, keyIds: string[]): Promise<number> {
  const [row] = await database(env)
    .select({ count: count() })
    .from(webhooks)
    .where(and(notInArray(keyId, keyIds), isNull(webhooks.deletedAt)));
  return row?.count ?? 0;
}
