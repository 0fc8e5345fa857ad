/**
 * Sign-in through Cloudflare Access in front of the pages: it sends the person's identity as a JWT in the header
 * `Cf-Access-Jwt-Assertion`. Its signature, issuer and audience are verified, because anyone who reaches the Worker
 * directly can send such a header.
 * Source: https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
 */
import { z } from "@hono/zod-openapi";
import { decodeHeader, verifyWithJwks } from "hono/utils/jwt/jwt";
import { readConfig } from "../platform/config";
import { readWholeText } from "../send/bounded-text";
import { log } from "../platform/log";
import { accessCaller, type Caller } from "./caller";

const certsPath = "/cdn-cgi/access/certs";
const fetchTimeoutMs = 5000;
/** The most bytes of the response with the keys. Two keys take 4 KB. */
const certsBytesMax = 256 * 1024;
/** How long keys are cached. */
const keysTtlMs = 3_600_000;
/** How long they are cached for an assertion with an unknown key id. The key may be new. */
const unknownKeyTtlMs = 60_000;
/** The least time between two requests for the keys, so that assertions cannot make the gateway send many. */
const fetchIntervalMs = 5000;
/** How often a request checks whether the fetch of another request has finished. */
const pollMs = 50;

const certsSchema = z.object({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })) });
const claimsSchema = z.object({ email: z.string().min(1), exp: z.number() });

type Keys = z.output<typeof certsSchema>["keys"];

/** The cached keys, by issuer. */
const cachedKeys = new Map<string, { keys: Keys; readAt: number }>();

/** The latest fetch of the keys, by issuer. */
const fetches = new Map<string, { at: number; isUnderWay: boolean }>();

/**
 * @param assertion the header's value.
 * @returns the caller that it identifies, or null when it is not valid or Access is not configured.
 * @throws {ConfigurationError} when a setting is missing or malformed.
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
    log("warn", "assertion of Cloudflare Access refused", { reason: errorName(error) });
    return null;
  }
}

/** @throws when no current keys are cached, and they cannot be fetched or were fetched less than 5 s ago. */
async function keysFor(issuer: string, assertion: string): Promise<Keys> {
  const { kid } = decodeHeader(assertion);
  const cached = currentKeys(issuer, kid);
  if (cached !== null) return cached;
  const last = fetches.get(issuer);
  if (last === undefined || Date.now() - last.at >= fetchIntervalMs) return fetchAndCacheKeys(issuer);
  // Another request fetches them. Its promise is not awaited, as it never settles if that request is cancelled.
  for (let ms = 0; last.isUnderWay && ms < fetchTimeoutMs; ms += pollMs) await scheduler.wait(pollMs);
  const read = currentKeys(issuer, kid);
  if (read === null) throw new Error("The keys could not be fetched a moment ago.");
  return read;
}

/** @returns the cached keys, or null when they must be fetched again. */
function currentKeys(issuer: string, kid: string | undefined): Keys | null {
  const cached = cachedKeys.get(issuer);
  if (cached === undefined) return null;
  const isKnown = cached.keys.some((key) => key.kid === kid);
  return Date.now() - cached.readAt < (isKnown ? keysTtlMs : unknownKeyTtlMs) ? cached.keys : null;
}

async function fetchAndCacheKeys(issuer: string): Promise<Keys> {
  const started = { at: Date.now(), isUnderWay: true };
  fetches.set(issuer, started);
  try {
    const keys = await fetchKeys(issuer);
    cachedKeys.set(issuer, { keys, readAt: Date.now() });
    return keys;
  } finally {
    started.isUnderWay = false;
  }
}

async function fetchKeys(issuer: string): Promise<Keys> {
  const signal = AbortSignal.timeout(fetchTimeoutMs);
  const response = await fetch(issuer + certsPath, { redirect: "manual", signal });
  if (!response.ok) throw new Error(`${certsPath} answered ${response.status}.`);
  return certsSchema.parse(JSON.parse(await readWholeText(response, certsBytesMax))).keys;
}

/** Only the name is logged, because the messages of hono's errors contain the assertion. */
function errorName(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
