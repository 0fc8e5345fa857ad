/** The audit log, in the table `audit_entries`: who did what, when and from which address. */
import { desc, lt, sql } from "drizzle-orm";
import { log } from "../platform/log";
import { isOverLimit } from "../platform/rate-limit";
import { withTimeout } from "../platform/timeouts";
import { database } from "./database";
import { type Page, pageOf } from "./page";
import { auditEntries } from "./schema";

/** A row of the audit log; `at` in ms. */
export type AuditEntry = typeof auditEntries.$inferSelect;

/** A new row. */
type NewAuditEntry = Omit<AuditEntry, "id" | "count" | "refusalKey">;

/** Who acts: the id and name of a token or a person, and the client's address (null when it is not known). */
export type Actor = { id: string; name: string; address: string | null };

/** Every action that is audited. */
export const auditActions = [
  "webhook.created",
  "webhook.updated",
  "webhook.deleted",
  "webhook.tested",
  "webhook.secret_rotated",
  "webhook.paused",
  "webhook.resumed",
  "webhooks.reencrypted",
  "job_failures.switched_on",
  "job_failures.switched_off",
  "job_failures.undone",
  "delivery.redelivered",
  "delivery.skipped",
  "replay.started",
  "replay.stopped",
  "event.published",
  "rejected.redriven",
  "token.created",
  "token.revoked",
  "session.started",
  "session.ended",
  "session.refused",
  "request.refused",
] as const;

type AuditAction = (typeof auditActions)[number];

/** The most characters of an address that are stored. An IPv6 address with a zone fits. */
const addressCharactersMax = 64;

/** The action and its target. It must not contain secrets. */
export type AuditSubject = {
  action: AuditAction;
  /** The uuid of the webhook, token or event, or the id of the rejected message. */
  target?: string;
  /** Details: the uuid of a delivery, the id of a replay, the names of changed fields, an origin, a number of webhooks. */
  detail?: string;
};

/**
 * Records an action that has succeeded. Never throws, and takes 5 s at most: a failed write is logged as an error, because
 * the action has already happened.
 */
export async function audit(env: Env, actor: Actor, subject: AuditSubject): Promise<void> {
  const { action, target = null, detail = null } = subject;
  const entry = { at: Date.now(), ...columnsOf(actor), action, target, detail };
  await logFailure(entry, insertAuditEntry(env, entry));
}

/**
 * Records a refused request or sign-in. Refusals with the same action, actor, address and minute share one row with a
 * count. Refusals of an address over AUDIT_LIMIT are not recorded. Never throws, as `audit`.
 * @param detail must not contain text from the request.
 */
export async function auditRefusal(
  env: Env,
  actor: Actor,
  { action, detail }: { action: "session.refused" | "request.refused"; detail: string },
): Promise<void> {
  const columns = columnsOf(actor);
  if (await isOverLimit(env.AUDIT_LIMIT, columns.address ?? "")) return;
  const entry = { at: Date.now(), ...columns, action, detail };
  await logFailure(entry, countRefusal(env, entry));
}

function columnsOf({ id, name, address }: Actor): Pick<AuditEntry, "actor" | "actorName" | "address"> {
  return { actor: id, actorName: name, address: address?.slice(0, addressCharactersMax) ?? null };
}

async function logFailure(entry: object, write: Promise<void>): Promise<void> {
  try {
    await withTimeout(write);
  } catch (error) {
    log("error", "audit entry not written", { ...entry, error: String(error) });
  }
}

async function insertAuditEntry(env: Env, entry: NewAuditEntry): Promise<void> {
  await database(env).insert(auditEntries).values(entry);
}

/** The most rows for the refusals of one minute, plus one for the rest. */
const refusalRowsMax = 100;

/**
 * Counts a refusal in the row of its minute, action, actor and address. Once the minute has `refusalRowsMax` rows,
 * refusals that have no row are counted in one extra row, without actor, detail and address.
 */
async function countRefusal(env: Env, entry: Omit<NewAuditEntry, "target">): Promise<void> {
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

/** @param at in ms. @returns `2026-11-05T12:00` */
function minuteOf(at: number): string {
  return new Date(at).toISOString().slice(0, 16);
}

/** @returns a page of the log, newest first. @param page.before only entries with a lower id. */
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

/** The most rows that one run of cron deletes. */
const prunedPerRun = 1000;

/** Deletes entries from before `before` (ms), oldest first, at most 1,000. */
export async function pruneAudit(env: Env, before: number): Promise<void> {
  await database(env).run(
    sql`DELETE FROM audit_entries WHERE at < ${before}
        AND id IN (SELECT id FROM audit_entries ORDER BY id LIMIT ${prunedPerRun})`,
  );
}

/** Deletes refusals from before the minute of `before` (ms), oldest first, at most 1,000 rows. */
export async function pruneRefusals(env: Env, before: number): Promise<void> {
  await database(env).run(
    sql`DELETE FROM audit_entries WHERE id IN (
          SELECT id FROM audit_entries WHERE refusal_key IS NOT NULL AND refusal_key < ${minuteOf(before)}
          ORDER BY refusal_key LIMIT ${prunedPerRun}
        )`,
  );
}
