/**
 * What a target's name resolves to, asked when a webhook is made, changed or tried out. A Worker has no resolver of
 * its own, so that Cloudflare's is asked over HTTPS. A name may resolve to something else later, and a Worker's
 * `fetch` cannot be tied to an address: this finds mistakes and plain attacks, it is no wall.
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

/** DNS's own numbers for kinds of records, and for how a question ended (RFC 1035; IANA, "DNS Parameters"). */
const recordTypes = { A: 1, CNAME: 5, AAAA: 28 };
const statuses = { noError: 0, noSuchName: 3 };

/** What is used of an answer (Cloudflare, "DNS over HTTPS: JSON"). `TC`: it was cut. */
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

/** `silent`: no HTTP answer came. `unreadable`: one came, and what the name resolves to is not in it. */
type Resolved =
  | { outcome: "resolved"; addresses: string[]; aliases: string[] }
  | { outcome: "silent" }
  | { outcome: "unreadable" };

const unreadable =
  "The host must be a public host name: what this one resolves to could not be found out. Try again, and check its DNS records.";
const notPublic = "The host must be a public host name: this one resolves to an address that is not public.";

/**
 * Looks at all that a target's name resolves to, unless the URL itself is refused already or everything is allowed.
 * @returns a sentence that says why that is not public, without the URL, or null when it is. An answer that cannot
 * be read does not count as public: whoever runs the name's servers can bring that about. A resolver that cannot be reached
 * at all is no reason to refuse: production's `fetch` does not reach private networks anyway.
 */
export async function resolvedPrivateReason(url: URL, rules: TargetRules): Promise<string | null> {
  if (rules.allowPrivateTargets || refuseTarget(url, rules) !== null) return null;
  const host = hostOf(url);
  const resolved = await Promise.all([resolve(host, "A"), resolve(host, "AAAA")]);
  // A resolver that answers one question is there: the other is held up by the name's own servers.
  if (resolved.every(({ outcome }) => outcome === "silent")) return null;
  for (const one of resolved) {
    if (one.outcome !== "resolved") return unreadable;
    if (!one.addresses.every(isGloballyReachable)) return notPublic;
    if (!one.aliases.every((alias) => isTarget(alias, rules))) return notPublic;
  }
  return null;
}

/** Whether a webhook may have this host: one that is an alias of a private name is not resolved to it everywhere. */
function isTarget(host: string, rules: TargetRules): boolean {
  const url = URL.parse(`https://${host}/`);
  return url !== null && refuseTarget(url, rules) === null;
}

/** Asks for addresses of one kind. What cannot be told is logged. */
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
 * @throws {Error} when it is too long, breaks off, is another than 200 or not an answer to this question. A 504 is what
 * comes when the name's servers are slow, and a 429 or 500 can be told from it only by trust: all of them count.
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
  // A name that does not exist may do so tomorrow: people make webhooks for hosts that they are about to set up.
  if (Status !== statuses.noError && Status !== statuses.noSuchName) throw new Error(`DNS status ${Status}`);
  return parsed.data;
}

/** Every address, of whichever kind and name: what does not belong to the answer is suspicious, and judged, too. */
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
