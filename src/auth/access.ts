/**
 * Cloudflare Access in front of the pages: it signs in people and vouches for them in the header
 * `Cf-Access-Jwt-Assertion`. Nothing of it is believed before its signature was checked: without Access in front,
 * anyone could send such a header.
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
/** Two keys take 4 KB. */
const certsBytesMax = 256 * 1024;
const keysKeptMs = 3_600_000;
/** A key that is not known is worth another look, but not each time. */
const keysLookedAgainMs = 60_000;
/** While keys cannot be read, nobody makes the gateway ask more often than this. */
const askedAgainMs = 5000;
const pollMs = 50;

const certsSchema = z.object({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })) });
const claimsSchema = z.object({ email: z.string().min(1), exp: z.number() });

type Keys = z.output<typeof certsSchema>["keys"];

/** By issuer. */
const kept = new Map<string, { keys: Keys; readAt: number }>();

/** By issuer: the latest question for its keys. */
const asked = new Map<string, { at: number; isUnderWay: boolean }>();

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

/** @throws when there are none that are current, and none can be read or it is too early to ask again. */
async function keysFor(issuer: string, assertion: string): Promise<Keys> {
  const { kid } = decodeHeader(assertion);
  const known = currentKeys(issuer, kid);
  if (known !== null) return known;
  const last = asked.get(issuer);
  if (last === undefined || Date.now() - last.at >= askedAgainMs) return askForKeys(issuer);
  // Another request asks already. Its promise is not awaited: that request may be cancelled, and never settle it.
  for (let ms = 0; last.isUnderWay && ms < fetchTimeoutMs; ms += pollMs) await scheduler.wait(pollMs);
  const read = currentKeys(issuer, kid);
  if (read === null) throw new Error("The keys could not be read a moment ago.");
  return read;
}

/** What is known and need not be asked for again, or null. */
function currentKeys(issuer: string, kid: string | undefined): Keys | null {
  const known = kept.get(issuer);
  if (known === undefined) return null;
  const isKnown = known.keys.some((key) => key.kid === kid);
  return Date.now() - known.readAt < (isKnown ? keysKeptMs : keysLookedAgainMs) ? known.keys : null;
}

async function askForKeys(issuer: string): Promise<Keys> {
  const question = { at: Date.now(), isUnderWay: true };
  asked.set(issuer, question);
  try {
    const keys = await fetchKeys(issuer);
    kept.set(issuer, { keys, readAt: Date.now() });
    return keys;
  } finally {
    question.isUnderWay = false;
  }
}

async function fetchKeys(issuer: string): Promise<Keys> {
  const signal = AbortSignal.timeout(fetchTimeoutMs);
  const response = await fetch(issuer + certsPath, { redirect: "manual", signal });
  if (!response.ok) throw new Error(`${certsPath} answered ${response.status}.`);
  return certsSchema.parse(JSON.parse(await readWholeText(response, certsBytesMax))).keys;
}

/** The messages of hono's errors hold the assertion. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
