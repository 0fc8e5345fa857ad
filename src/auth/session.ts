/**
 * Sessions of people on the pages: a signed cookie that says who signed in and until when. Whether that token still
 * stands is asked at each request, so that revoking it ends its sessions.
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

/** Signs the caller in on this browser. */
export async function startSession(c: Context<AppEnv>, caller: Caller): Promise<void> {
  const value = `${caller.id} ${Date.now() + sessionSeconds * 1000}`;
  const [key] = await signingKeys(c.env);
  if (key === undefined) throw new Error("There is always a key.");
  await setSignedCookie(c, cookieName, value, key, { ...cookieOptions(c), maxAge: sessionSeconds });
}

/** Signs out this browser. */
export function endSession(c: Context<AppEnv>): void {
  deleteCookie(c, cookieName, cookieOptions(c));
}

/** Who is signed in on this browser, or null: also when the token has expired or been revoked since. */
export async function callerBySession(c: Context<AppEnv>): Promise<Caller | null> {
  const value = await readCookie(c);
  const [id, until] = value?.split(" ") ?? [];
  if (id === undefined || !(Number(until) > Date.now())) return null;
  return callerById(c.env, id, (work) => c.executionCtx.waitUntil(work));
}

/**
 * What tells this session from others, in no more than 64 characters and without saying whose it is.
 * @param c of somebody who is signed in. Whom Cloudflare Access vouches for has one session in all browsers.
 */
export async function sessionTag(c: Context<AppEnv>): Promise<string> {
  const session = (await readCookie(c)) ?? c.var.caller.id;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(session));
  return new Uint8Array(digest).toHex();
}

/** The cookie's value, if one of the keys signed it. */
async function readCookie(c: Context<AppEnv>): Promise<string | null> {
  for (const key of await signingKeys(c.env)) {
    const value = await getSignedCookie(c, key, cookieName, cookieOptions(c).prefix);
    if (typeof value === "string") return value;
  }
  return null;
}

/** One for each key of ENCRYPTION_KEY: the first one signs, all verify, so that a rotation signs nobody out. */
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
