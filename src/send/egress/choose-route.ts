/** Which way the attempts of a webhook take: directly, through an egress, or none at all. */
import type { Config } from "../../platform/config";
import type { Egress } from "../../platform/egress-settings";
import { hostOf } from "../../platform/host-name";
import { privateReason, refuseUrl, type TargetRules } from "../target";

/** A deployment's settings that decide over routes. */
export type RouteRules = TargetRules & Pick<Config, "egresses">;

/** The name that stands for no egress, in a webhook's setting. */
export const directName = "direct";

/** What a webhook is to reach. */
export type RouteTarget = {
  /** The URL, or its origin. */
  url: URL;
  verifySsl: boolean;
  /** The egress that the webhook names, or `direct`; null: the first that fits. */
  egress: string | null;
  /** Why what its name resolves to is not public, as a sentence; null when it is, or is not known. */
  resolved: string | null;
};

/** `field`: which of the webhook's settings the reason is about. */
export type Route =
  | { kind: "direct" }
  | { kind: "egress"; egress: Egress }
  | { kind: "refused"; field: "url" | "verify_ssl" | "egress"; reason: string };

type Needs = { private: string | null; unverified: boolean };

/** Reasons are sentences without the URL. */
export function chooseRoute(target: RouteTarget, rules: RouteRules): Route {
  const { url, verifySsl, egress: named, resolved } = target;
  const refusal = refuseUrl(url, rules);
  if (refusal !== null) return { kind: "refused", field: "url", reason: refusal };
  const needs: Needs = {
    private: rules.allowPrivateTargets ? null : (privateReason(url, rules) ?? resolved),
    unverified: url.protocol === "https:" && !verifySsl,
  };
  const host = hostOf(url);
  if (named === null) {
    const fitting = rules.egresses.find((egress) => fits(egress, host, needs));
    return fitting === undefined ? withoutEgress(needs) : { kind: "egress", egress: fitting };
  }
  if (named === directName) return withoutEgress(needs);
  const egress = rules.egresses.find(({ name }) => name === named);
  if (egress === undefined) return { kind: "refused", field: "egress", reason: unknownEgress(rules) };
  return covers(egress, host, needs) ? { kind: "egress", egress } : withoutEgress(needs);
}

function withoutEgress(needs: Needs): Route {
  if (needs.private !== null) {
    const reason = `${needs.private} An egress could reach it: an administrator adds one with "private" in its "for" to the setting EGRESS.`;
    return { kind: "refused", field: "url", reason };
  }
  if (needs.unverified) {
    const reason =
      'must be true for an https URL. The gateway always verifies certificates by itself. An egress could skip that: an administrator adds one with "unverified" in its "for" to the setting EGRESS.';
    return { kind: "refused", field: "verify_ssl", reason };
  }
  return { kind: "direct" };
}

function unknownEgress({ egresses }: RouteRules): string {
  const names = [...egresses.map(({ name }) => name), directName];
  return `must be the name of an egress of this gateway (${names.join(", ")}).`;
}

/** Without a need, an egress is only for the hosts that it names. */
function fits(egress: Egress, host: string, needs: Needs): boolean {
  const isNeeded = needs.private !== null || needs.unverified;
  return covers(egress, host, needs) && (isNeeded || egress.for.hosts.some((one) => matches(one, host)));
}

/** A private host is covered by `private` or by its name, but not by `*`: that opens no network by accident. */
function covers({ for: { hosts, isPrivate, isUnverified } }: Egress, host: string, needs: Needs): boolean {
  const namesHost = hosts.some((one) => one !== "*" && matches(one, host));
  return (needs.private === null || isPrivate || namesHost) && (!needs.unverified || isUnverified);
}

function matches(pattern: string, host: string): boolean {
  if (pattern === "*") return true;
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;
}
