/** Auditing from request handlers. */
import type { Context } from "hono";
import { type Actor, audit as auditActor, type AuditSubject } from "../db/audit";
import type { AppEnv } from "./app-env";
import type { Caller } from "./caller";

/** Records an action of `c.var.caller` that has succeeded. Never throws. */
export function audit(c: Context<AppEnv>, subject: AuditSubject): Promise<void> {
  return auditActor(c.env, actorOf(c, c.var.caller), subject);
}

/** Records a sign-in or sign-out, where `c.var.caller` is not set. Never throws. */
export function auditAs(c: Context<AppEnv>, caller: Caller, subject: AuditSubject): Promise<void> {
  return auditActor(c.env, actorOf(c, caller), subject);
}

/** @param caller null when nobody was authenticated. @returns the actor for the audit log, with the client's address. */
export function actorOf(c: Context, caller: Caller | null): Actor {
  const { id, name } = caller ?? { id: "unknown", name: "unknown" };
  return { id, name, address: clientAddress(c) ?? null };
}

/** @returns the client's IP address as Cloudflare saw it, or undefined when Cloudflare is not in front. */
export function clientAddress(c: Context): string | undefined {
  return c.req.header("CF-Connecting-IP");
}
