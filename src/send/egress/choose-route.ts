/** Chooses the route of a webhook's attempts: direct, through an egress, or refused. */
import type { Config } from "../../platform/config";
import type { Egress } from "../../platform/egress-settings";
import { hostOf } from "../../platform/host-name";
import { privateReason, refuseUrl, type TargetRules } from "../target";

/** The settings that decide which routes are allowed. */
export type RouteRules = TargetRules & Pick<Config, "egresses">;

/** The value of a webhook's setting `egress` that stands for no egress. */
export const directName = "direct";

/** The target of a webhook, with the settings that decide its route. */
export type RouteTarget = {
  /** The URL, or its origin. */
  url: URL;
  verifySsl: boolean;
  /** The name of an egress, or `direct`; null: the first egress that matches. */
  egress: string | null;
  /** A sentence that says why the address of the host is not public; null when it is public or not known. */
  resolved: string | null;
};

/** The route, or why there is none. `field`: the setting that the reason is about. Reasons are sentences. */
export type Route =
  | { kind: "direct" }
  | { kind: "egress"; egress: Egress }
  | { kind: "refused"; field: "url" | "verify_ssl" | "egress"; reason: string };

/** What an egress must support for a target. `private`: why it is private; null when it is not. */
type Needs = { private: string | null; unverified: boolean };

/** @returns the route to a target, or why it is refused, in a sentence without the URL. */
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

/**
 * Whether an egress is used without being named by the webhook: if the target needs it, or if the egress lists the
 * host.
 */
function fits(egress: Egress, host: string, needs: Needs): boolean {
  const isNeeded = needs.private !== null || needs.unverified;
  return covers(egress, host, needs) && (isNeeded || egress.for.hosts.some((one) => matches(one, host)));
}

/**
 * Whether an egress may reach a target. `*` does not include private hosts, so that it does not open a private network
 * by accident: the egress must list `private` or the host's name.
 */
function covers({ for: { hosts, isPrivate, isUnverified } }: Egress, host: string, needs: Needs): boolean {
  const namesHost = hosts.some((one) => one !== "*" && matches(one, host));
  return (needs.private === null || isPrivate || namesHost) && (!needs.unverified || isUnverified);
}

function matches(pattern: string, host: string): boolean {
  if (pattern === "*") return true;
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;
}
