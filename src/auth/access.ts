/**
 * Cloudflare Access in front of the pages: it signs in people and vouches for them in the header
 * `Cf-Access-Jwt-Assertion`. Nothing of it is believed before its signature was checked: without Access in front,
 * anyone could send such a header.
 * Source: https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
 */
import { z } from "@hono/zod-openapi";
import { decodeHeader, verifyWithJwks } from "hono/utils/jwt/jwt";
import { readConfig } from "../config";
import { log } from "../log";
import { accessCaller, type Caller } from "./caller";

const certsPath = "/cdn-cgi/access/certs";
const fetchTimeoutMs = 5000;
const keysKeptMs = 3_600_000;
/** A key that is not known is worth another look, but not each time. */
const keysLookedAgainMs = 60_000;

const certsSchema = z.object({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })) });
const claimsSchema = z.object({ email: z.string().min(1), exp: z.number() });

type Keys = z.output<typeof certsSchema>["keys"];

/** By issuer. */
const kept = new Map<string, { keys: Keys; readAt: number }>();

/**
 * @param assertion The header's value.
 * @returns who it vouches for, or null when it vouches for nobody or Access is not in front.
 */
export async function callerByAccess(env: Env, assertion: string): Promise<Caller | null> {
  const { access } = readConfig(env);
  if (access === null) return null;
  try {
    const claims = await verifyWithJwks(assertion, {
      keys: await keysFor(access.issuer, assertion),
      allowedAlgorithms: ["RS256"],
      verification: { iss: access.issuer, aud: access.audience, iat: false },
    });
    return accessCaller(claimsSchema.parse(claims).email);
  } catch (error) {
    log("warn", "assertion of Cloudflare Access refused", { reason: nameOf(error) });
    return null;
  }
}

async function keysFor(issuer: string, assertion: string): Promise<Keys> {
  const { kid } = decodeHeader(assertion);
  const known = kept.get(issuer);
  if (known !== undefined) {
    const ageMs = Date.now() - known.readAt;
    const isKnown = known.keys.some((key) => key.kid === kid);
    if (ageMs < (isKnown ? keysKeptMs : keysLookedAgainMs)) return known.keys;
  }
  const keys = await fetchKeys(issuer);
  kept.set(issuer, { keys, readAt: Date.now() });
  return keys;
}

async function fetchKeys(issuer: string): Promise<Keys> {
  const signal = AbortSignal.timeout(fetchTimeoutMs);
  const response = await fetch(issuer + certsPath, { redirect: "manual", signal });
  if (!response.ok) throw new Error(`${certsPath} answered ${response.status}.`);
  return certsSchema.parse(await response.json()).keys;
}

/** The messages of hono's errors hold the assertion. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
