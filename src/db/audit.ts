/** The table `audit_entries`. */
import { desc, lt, sql } from "drizzle-orm";
import { database } from "./database";
import { type Page, pageOf } from "./page";
import { auditEntries } from "./schema";

/** An entry as it is kept; `at` in ms. */
export type AuditEntry = typeof auditEntries.$inferSelect;

/** An entry to be written down. */
export type NewAuditEntry = Omit<AuditEntry, "id" | "count" | "refusalKey">;

/** Writes an entry down. */
export async function insertAuditEntry(env: Env, entry: NewAuditEntry): Promise<void> {
  await database(env).insert(auditEntries).values(entry);
}

/** How many rows the refusals of one minute take. */
const refusalRowsMax = 100;

/**
 * Writes a refusal down, in the row of its minute, action, actor and address: a further one raises the row's count. When
 * the minute has its rows, what is about others is counted in one more, which says nothing but that.
 */
export async function countRefusal(env: Env, entry: Omit<NewAuditEntry, "target">): Promise<void> {
  const { at, actor, actorName, action, detail, address } = entry;
  const minute = minuteOf(at);
  const key = `${minute} ${action} ${actor} ${address ?? ""}`;
  await database(env).run(
    sql`INSERT INTO audit_entries (at, actor, actor_name, action, detail, address, refusal_key)
        SELECT ${at}, iif(fits, ${actor}, 'unknown'), iif(fits, ${actorName}, 'unknown'), ${action},
          iif(fits, ${detail}, NULL), iif(fits, ${address}, NULL), iif(fits, ${key}, ${`${minute} ~`})
        FROM (SELECT EXISTS (SELECT 1 FROM audit_entries WHERE refusal_key = ${key}) OR (
          SELECT count(*) FROM audit_entries WHERE refusal_key BETWEEN ${minute} AND ${`${minute} ~`}
        ) < ${refusalRowsMax} AS fits) WHERE true
        ON CONFLICT (refusal_key) WHERE refusal_key IS NOT NULL DO UPDATE SET count = count + 1`,
  );
}

/** `2026-11-05T12:00` */
function minuteOf(at: number): string {
  return new Date(at).toISOString().slice(0, 16);
}

/** Newest first. @param page.before only ids below. */
export async function listAuditEntries(
  env: Env,
  page: { limit: number; before?: number },
): Promise<Page<AuditEntry>> {
  const rows = await database(env)
    .select()
    .from(auditEntries)
    .where(lt(auditEntries.id, page.before ?? Number.MAX_SAFE_INTEGER))
    .orderBy(desc(auditEntries.id))
    .limit(page.limit + 1);
  return pageOf(rows, page.limit);
}

const prunedAtOnce = 1000;

/** Forgets entries from before `before` (ms), oldest first and not all at once. */
export async function pruneAudit(env: Env, before: number): Promise<void> {
  await database(env).run(
    sql`DELETE FROM audit_entries WHERE at < ${before}
        AND id IN (SELECT id FROM audit_entries ORDER BY id LIMIT ${prunedAtOnce})`,
  );
}

/** Forgets refusals of the minutes before the one of `before` (ms), oldest first and not all at once. */
export async function pruneRefusals(env: Env, before: number): Promise<void> {
  await database(env).run(
    sql`DELETE FROM audit_entries WHERE id IN (
          SELECT id FROM audit_entries WHERE refusal_key IS NOT NULL AND refusal_key < ${minuteOf(before)}
          ORDER BY refusal_key LIMIT ${prunedAtOnce}
        )`,
  );
}
