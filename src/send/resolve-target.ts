/**
 * Resolves the host of a target when a webhook is created, changed or tested. A Worker has no DNS resolver, so that
 * Cloudflare's is queried over HTTPS. This check finds mistakes and simple attacks only: a name may resolve to another
 * address later, and a Worker's `fetch` cannot be bound to an address.
 */
import { z } from "zod";
import { log } from "../platform/log";
import { isGloballyReachable } from "./addresses";
import { readWholeText } from "./bounded-text";
import { hostOf } from "../platform/host-name";
import { refuseTarget, type TargetRules } from "./target";

const resolver = "https://cloudflare-dns.com/dns-query";
const timeoutMs = 2000;
const answerBytesMax = 64 * 1024;

/** DNS record types and response codes (RFC 1035; IANA, "DNS Parameters"). */
const recordTypes = { A: 1, CNAME: 5, AAAA: 28 };
const statuses = { noError: 0, noSuchName: 3 };

/** The used fields of a DNS answer (Cloudflare, "DNS over HTTPS: JSON"). `TC`: the answer was truncated. */
const answerSchema = z.object({
  Status: z.number(),
  TC: z.literal(false).optional(),
  Question: z
    .array(z.object({ name: z.string(), type: z.number() }))
    .length(1)
    .optional(),
  Answer: z.array(z.object({ type: z.number(), data: z.string() })).optional(),
});
type Answer = z.output<typeof answerSchema>;

/**
 * The result of one query. `silent`: there was no HTTP response. `unreadable`: the response does not contain a valid
 * DNS answer.
 */
type Resolved =
  | { outcome: "resolved"; addresses: string[]; aliases: string[] }
  | { outcome: "silent" }
  | { outcome: "unreadable" };

const unreadable =
  "The host must be a public host name: what this one resolves to could not be found out. Try again, and check its DNS records.";
const notPublic = "The host must be a public host name: this one resolves to an address that is not public.";

/**
 * Checks all addresses and aliases of a target's host, unless the URL itself is refused already or private targets are
 * allowed.
 * @returns a sentence that says why the host is not public, without the URL; null when it is public. An unreadable
 *   answer counts as not public, because the operator of the name's servers can cause it. A resolver that cannot be
 *   reached at all counts as public, because `fetch` does not reach private networks in production anyway.
 */
export async function resolvedPrivateReason(url: URL, rules: TargetRules): Promise<string | null> {
  if (rules.allowPrivateTargets || refuseTarget(url, rules) !== null) return null;
  const host = hostOf(url);
  const resolved = await Promise.all([resolve(host, "A"), resolve(host, "AAAA")]);
  // If one query got a response, the resolver works, and the name's own servers delay the other one.
  if (resolved.every(({ outcome }) => outcome === "silent")) return null;
  for (const one of resolved) {
    if (one.outcome !== "resolved") return unreadable;
    if (!one.addresses.every(isGloballyReachable)) return notPublic;
    if (!one.aliases.every((alias) => isTarget(alias, rules))) return notPublic;
  }
  return null;
}

/**
 * Whether a webhook may have this host. An alias is checked like the host itself, because the name behind it may
 * resolve to other addresses elsewhere.
 */
function isTarget(host: string, rules: TargetRules): boolean {
  const url = URL.parse(`https://${host}/`);
  return url !== null && refuseTarget(url, rules) === null;
}

/** Queries the addresses of one type. A failure is logged. */
async function resolve(host: string, type: "A" | "AAAA"): Promise<Resolved> {
  const failed = (outcome: "silent" | "unreadable", error: unknown): Resolved => {
    log("warn", "target not resolved", { host, type, outcome, error: String(error) });
    return { outcome };
  };
  let response: Response;
  try {
    response = await ask(host, type);
  } catch (error) {
    return failed("silent", error);
  }
  try {
    return recordsOf(await readAnswer(response, host, type));
  } catch (error) {
    return failed("unreadable", error);
  }
}

function ask(host: string, type: string): Promise<Response> {
  return fetch(`${resolver}?${new URLSearchParams({ name: host, type }).toString()}`, {
    headers: { Accept: "application/dns-json" },
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
}

/**
 * @throws {Error} when the response is too long, incomplete, not a 200, or not an answer to this query. The resolver
 *   responds with 504 when the name's servers are slow. As these servers could also cause a 429 or a 500, every status
 *   but 200 counts as a failure.
 */
async function readAnswer(response: Response, host: string, type: "A" | "AAAA"): Promise<Answer> {
  const text = await readWholeText(response, answerBytesMax);
  if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
  const parsed = answerSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error("The resolver's answer is not a complete DNS answer.");
  const { Status, Question: [question] = [] } = parsed.data;
  if (question && (withoutRoot(question.name) !== host || question.type !== recordTypes[type])) {
    throw new Error("The resolver's answer is one to another question.");
  }
  // A name that does not exist is allowed: people create webhooks for hosts that they are about to set up.
  if (Status !== statuses.noError && Status !== statuses.noSuchName) throw new Error(`DNS status ${Status}`);
  return parsed.data;
}

/**
 * @returns all addresses in an answer, of any type and name, so that records that do not belong to the query are
 *   checked, too.
 */
function recordsOf({ Answer = [] }: Answer): Resolved {
  const dataOf = (...types: number[]): string[] =>
    Answer.filter(({ type }) => types.includes(type)).map(({ data }) => data);
  return {
    outcome: "resolved",
    addresses: dataOf(recordTypes.A, recordTypes.AAAA),
    aliases: dataOf(recordTypes.CNAME).map(withoutRoot),
  };
}

function withoutRoot(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
