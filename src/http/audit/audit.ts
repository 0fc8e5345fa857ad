/** Writing down who changed what. */
import type { Context } from "hono";
import type { Caller } from "../../auth/caller";
import { insertAuditEntry } from "../../db/audit";
import { log } from "../../log";
import type { AppEnv } from "../router";

/** Everything that is written down. */
export const auditActions = [
  "webhook.created",
  "webhook.updated",
  "webhook.deleted",
  "webhook.secret_rotated",
  "webhook.paused",
  "webhook.resumed",
  "webhooks.reencrypted",
  "job_failures.switched_on",
  "job_failures.switched_off",
  "delivery.redelivered",
  "delivery.skipped",
  "replay.started",
  "rejected.redriven",
  "token.created",
  "token.revoked",
  "session.started",
  "session.ended",
] as const;

type AuditAction = (typeof auditActions)[number];

/** What the client's address may have at most: an IPv6 address with a zone. */
const addressCharactersMax = 64;

/** What was changed: never a secret. */
export type AuditSubject = {
  action: AuditAction;
  /** The uuid of the webhook or token, or the id of the rejected message. */
  target?: string;
  /** What of it: the uuid of a delivery, the id of a replay, the names of changed fields, how many webhooks. */
  detail?: string;
};

/** Writes down what `c.var.caller` has just done. The change is done: a failure is logged and does not undo it. */
export function audit(c: Context<AppEnv>, subject: AuditSubject): Promise<void> {
  return auditAs(c, c.var.caller, subject);
}

/** The same for someone who signs in or out. */
export async function auditAs(c: Context<AppEnv>, caller: Caller, subject: AuditSubject): Promise<void> {
  const { action, target = null, detail = null } = subject;
  const entry = {
    at: Date.now(),
    actor: caller.id,
    actorName: caller.name,
    action,
    target,
    detail,
    address: clientAddress(c)?.slice(0, addressCharactersMax) ?? null,
  };
  try {
    await insertAuditEntry(c.env, entry);
  } catch (error) {
    log("error", "audit entry not written", { ...entry, error: String(error) });
  }
}

/** The client's address as Cloudflare saw it, or undefined where Cloudflare is not in front. */
export function clientAddress(c: Context): string | undefined {
  return c.req.header("CF-Connecting-IP");
}
