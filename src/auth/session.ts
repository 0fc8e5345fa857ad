/**
 * Sessions of people on the pages: a signed cookie with the caller's id and the time at which it expires. The caller's
 * token is checked at each request, so that revoking it ends its sessions.
 */
import type { Context } from "hono";
import { deleteCookie, getSignedCookie, setSignedCookie } from "hono/cookie";
import { readConfig } from "../platform/config";
import { cookieOptions } from "./cookie-options";
import type { AppEnv } from "./app-env";
import { type Caller, callerById } from "./caller";

const cookieName = "session";
const sessionSeconds = 12 * 3600;
const keyPurpose = "orchest-webhooks session cookie";

/** Sets the session cookie, which is valid for 12 hours. */
export async function startSession(c: Context<AppEnv>, caller: Caller): Promise<void> {
  const value = `${caller.id} ${Date.now() + sessionSeconds * 1000}`;
  const [key] = await signingKeys(c.env);
  if (key === undefined) throw new Error("ENCRYPTION_KEY has no key.");
  await setSignedCookie(c, cookieName, value, key, { ...cookieOptions(c), maxAge: sessionSeconds });
}

/** Deletes the session cookie. */
export function endSession(c: Context<AppEnv>): void {
  deleteCookie(c, cookieName, cookieOptions(c));
}

/** @returns the caller who is signed in; null when nobody is, or when the token has expired or was revoked. */
export async function callerBySession(c: Context<AppEnv>): Promise<Caller | null> {
  const value = await readCookie(c);
  const [id, until] = value?.split(" ") ?? [];
  if (id === undefined || !(Number(until) > Date.now())) return null;
  return callerById(c.env, id, (work) => c.executionCtx.waitUntil(work));
}

/**
 * @param c with a caller who is signed in.
 * @returns a pseudonymous id of the session, of 64 characters. People signed in by Cloudflare Access have one session in
 *   all browsers.
 */
export async function sessionTag(c: Context<AppEnv>): Promise<string> {
  const session = (await readCookie(c)) ?? c.var.caller.id;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(session));
  return new Uint8Array(digest).toHex();
}

/** @returns the cookie's value, or null when there is none with a valid signature. */
async function readCookie(c: Context<AppEnv>): Promise<string | null> {
  for (const key of await signingKeys(c.env)) {
    const value = await getSignedCookie(c, key, cookieName, cookieOptions(c).prefix);
    if (typeof value === "string") return value;
  }
  return null;
}

/**
 * @returns one key for each key in ENCRYPTION_KEY. The first one signs and all of them verify, so that rotating keys
 *   ends no session.
 */
async function signingKeys(env: Env): Promise<ArrayBuffer[]> {
  return Promise.all(readConfig(env).encryptionKeys.map(deriveKey));
}

async function deriveKey(key: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const material = await crypto.subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]);
  const info = new TextEncoder().encode(keyPurpose);
  return crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info },
    material,
    256,
  );
}
