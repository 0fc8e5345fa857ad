/** The table `audit_entries`. */
import { desc, lt, sql } from "drizzle-orm";
import { database } from "./database";
import { type Page, pageOf } from "./page";
import { auditEntries } from "./schema";

/** An entry as it is kept; `at` in ms. */
export type AuditEntry = typeof auditEntries.$inferSelect;

/** Writes an entry down. */
export async function insertAuditEntry(env: Env, entry: Omit<AuditEntry, "id">): Promise<void> {
  await database(env).insert(auditEntries).values(entry);
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
