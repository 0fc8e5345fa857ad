/** The audit log, for code that has a request at hand. */
import type { Context } from "hono";
import { type Actor, audit as auditActor, type AuditSubject } from "../db/audit";
import type { AppEnv } from "./app-env";
import type { Caller } from "./caller";

/** Records what `c.var.caller` has just done. */
export function audit(c: Context<AppEnv>, subject: AuditSubject): Promise<void> {
  return auditActor(c.env, actorOf(c, c.var.caller), subject);
}

/** Records what somebody has just done who signs in or out. */
export function auditAs(c: Context<AppEnv>, caller: Caller, subject: AuditSubject): Promise<void> {
  return auditActor(c.env, actorOf(c, caller), subject);
}

/** Who acts by a request. @param caller null where nobody was recognised. */
export function actorOf(c: Context, caller: Caller | null): Actor {
  const { id, name } = caller ?? { id: "unknown", name: "unknown" };
  return { id, name, address: clientAddress(c) ?? null };
}

/** The client's address as Cloudflare saw it, or undefined where Cloudflare is not in front. */
export function clientAddress(c: Context): string | undefined {
  return c.req.header("CF-Connecting-IP");
}
