/**
 * What a target's name resolves to, asked when a webhook is made, changed or tried out. A Worker has no resolver of
 * its own, so that Cloudflare's is asked over HTTPS. A name may resolve to something else later, and a Worker's
 * `fetch` cannot be tied to an address: this finds mistakes and plain attacks, it is no wall.
 */
import { z } from "zod";
import { log } from "../log";
import { isGloballyReachable } from "./addresses";
import { readWholeText } from "./bounded-text";
import { hostOf, refuseTarget, type TargetRules } from "./target";

const resolver = "https://cloudflare-dns.com/dns-query";
const timeoutMs = 2000;
const answerBytesMax = 64 * 1024;

/** DNS's own numbers for kinds of records, and for how a question ended (RFC 1035; IANA, "DNS Parameters"). */
const recordTypes = { A: 1, AAAA: 28 };
const statuses = { noError: 0, noSuchName: 3 };

const answerSchema = z.object({
  Status: z.number(),
  Answer: z.array(z.object({ type: z.number(), data: z.string() })).optional(),
});

/**
 * The whole guard: the URL itself, and all that its name resolves to.
 * @returns a sentence that says why this is no target, without the URL, or null when it is one. A resolver that
 * cannot be reached is no reason to refuse: production's `fetch` does not reach private networks anyway.
 */
export async function refuseResolvedTarget(url: URL, rules: TargetRules): Promise<string | null> {
  const refusal = refuseTarget(url, rules);
  if (refusal !== null || rules.allowPrivateTargets) return refusal;
  const addresses = await Promise.all([resolve(hostOf(url), "A"), resolve(hostOf(url), "AAAA")]);
  return addresses.flat().every(isGloballyReachable)
    ? null
    : "The host must be a public host name: this one resolves to an address that is not public.";
}

/** @returns the addresses of one kind; none when that cannot be told, which is logged. */
async function resolve(host: string, type: keyof typeof recordTypes): Promise<string[]> {
  try {
    const { Status, Answer = [] } = await ask(host, type);
    // A name that does not exist may do so tomorrow: people make webhooks for hosts that they are about to set up.
    if (Status === statuses.noSuchName) return [];
    if (Status !== statuses.noError) throw new Error(`DNS status ${Status}`);
    return Answer.filter((record) => record.type === recordTypes[type]).map(({ data }) => data);
  } catch (error) {
    log("warn", "target not resolved", { host, type, error: String(error) });
    return [];
  }
}

async function ask(host: string, type: string): Promise<z.output<typeof answerSchema>> {
  const response = await fetch(`${resolver}?${new URLSearchParams({ name: host, type }).toString()}`, {
    headers: { Accept: "application/dns-json" },
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await readWholeText(response, answerBytesMax);
  if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
  const parsed = answerSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error("an answer that is none");
  return parsed.data;
}
