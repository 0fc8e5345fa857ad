/** The audit log: who did what, when and from where. The table `audit_entries`. */
import { desc, lt, sql } from "drizzle-orm";
import { log } from "../platform/log";
import { isOverLimit } from "../platform/rate-limit";
import { database } from "./database";
import { type Page, pageOf } from "./page";
import { auditEntries } from "./schema";

/** An entry as it is kept; `at` in ms. */
export type AuditEntry = typeof auditEntries.$inferSelect;

/** An entry to be written down. */
type NewAuditEntry = Omit<AuditEntry, "id" | "count" | "refusalKey">;

/** Who acts: the id and name of a token or a person, and the address that the request came from, where it is known. */
export type Actor = { id: string; name: string; address: string | null };

/** Every action that the log has. */
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

/** What the client's address may have at most: an IPv6 address with a zone. */
const addressCharactersMax = 64;

/** What was changed: never a secret. */
export type AuditSubject = {
  action: AuditAction;
  /** The uuid of the webhook, token or event, or the id of the rejected message. */
  target?: string;
  /** What of it: the uuid of a delivery, the id of a replay, the names of changed fields, an origin, how many webhooks. */
  detail?: string;
};

/** Records what somebody has just done. It is done already: a failure is logged as an error and undoes nothing. */
export async function audit(env: Env, actor: Actor, subject: AuditSubject): Promise<void> {
  const { action, target = null, detail = null } = subject;
  const entry = { at: Date.now(), ...columnsOf(actor), action, target, detail };
  await written(entry, insertAuditEntry(env, entry));
}

/**
 * Records that a request or a sign-in was refused: one row for each address, actor and minute, with a count. What is
 * beyond AUDIT_LIMIT of an address in a minute is not recorded.
 * @param detail never what was sent in.
 */
export async function auditRefusal(
  env: Env,
  actor: Actor,
  { action, detail }: { action: "session.refused" | "request.refused"; detail: string },
): Promise<void> {
  const columns = columnsOf(actor);
  if (await isOverLimit(env.AUDIT_LIMIT, columns.address ?? "")) return;
  const entry = { at: Date.now(), ...columns, action, detail };
  await written(entry, countRefusal(env, entry));
}

function columnsOf({ id, name, address }: Actor): Pick<AuditEntry, "actor" | "actorName" | "address"> {
  return { actor: id, actorName: name, address: address?.slice(0, addressCharactersMax) ?? null };
}

async function written(entry: object, writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    log("error", "audit entry not written", { ...entry, error: String(error) });
  }
}

async function insertAuditEntry(env: Env, entry: NewAuditEntry): Promise<void> {
  await database(env).insert(auditEntries).values(entry);
}

/** How many rows the refusals of one minute take. */
const refusalRowsMax = 100;

/**
 * Writes a refusal down, in the row of its minute, action, actor and address: a further one raises the row's count. When
 * the minute has its rows, what is about others is counted in one more, which says nothing but that.
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
