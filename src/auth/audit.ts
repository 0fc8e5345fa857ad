/** Writing down who did what. */
import type { Context } from "hono";
import type { Caller } from "./caller";
import { countRefusal, insertAuditEntry } from "../db/audit";
import { log } from "../platform/log";
import { isTooMany } from "../platform/rate-limit";
import type { AppEnv } from "../http/router";

/** Everything that is written down. */
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

/** Writes down what `c.var.caller` has just done. The change is done: a failure is logged and does not undo it. */
export function audit(c: Context<AppEnv>, subject: AuditSubject): Promise<void> {
  return auditAs(c, c.var.caller, subject);
}

/** The same for someone who signs in or out. */
export async function auditAs(c: Context<AppEnv>, caller: Caller, subject: AuditSubject): Promise<void> {
  const { action, target = null, detail = null } = subject;
  const actor = { actor: caller.id, actorName: caller.name };
  const entry = { at: Date.now(), ...actor, action, target, detail, address: auditedAddress(c) };
  await written(entry, insertAuditEntry(c.env, entry));
}

/**
 * Writes down that a request or a sign-in was refused: one row for each address, caller and minute, with a count. Beyond
 * AUDIT_LIMIT of an address in a minute nothing is.
 * @param caller who was refused; null where nobody was recognised. @param detail never what was sent in.
 */
export async function auditRefusal(
  c: Context<AppEnv>,
  caller: Caller | null,
  { action, detail }: { action: "session.refused" | "request.refused"; detail: string },
): Promise<void> {
  const address = auditedAddress(c);
  if (await isTooMany(c.env.AUDIT_LIMIT, address ?? "")) return;
  const actor = { actor: caller?.id ?? "unknown", actorName: caller?.name ?? "unknown" };
  const entry = { at: Date.now(), ...actor, action, detail, address };
  await written(entry, countRefusal(c.env, entry));
}

async function written(entry: object, writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    log("error", "audit entry not written", { ...entry, error: String(error) });
  }
}

function auditedAddress(c: Context): string | null {
  return clientAddress(c)?.slice(0, addressCharactersMax) ?? null;
}

/** The client's address as Cloudflare saw it, or undefined where Cloudflare is not in front. */
export function clientAddress(c: Context): string | undefined {
  return c.req.header("CF-Connecting-IP");
}
