/** A webhook's settings. Shows only the origin of its URL and the names of its headers, and never its secret. */
import type { Route } from "../../send/egress/choose-route";
import type { Webhook } from "../../webhooks/webhooks";
import { formatNames } from "../../send/message/formats";
import { Fact } from "../parts/fact";
import { Time } from "../parts/time";

const orderings: Record<Webhook["ordering"], string> = {
  strict: "Strict",
  keyed: "Keyed by job",
  none: "None",
};

/** @param props.route of its deliveries. */
export function WebhookSettings({ webhook, route }: { webhook: Webhook; route: Route }) {
  const { retryMaxAttempts, timeoutS, rateLimitPerS, headerNames, formatOptionNames } = webhook;
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">Settings</h2>
      <dl class="facts">
        <Fact label="Receiver">{webhook.origin}</Fact>
        <Fact label="Format">{formatNames[webhook.format]}</Fact>
        {formatOptionNames.length > 0 && <Fact label="Format options">{formatOptionNames.join(", ")}</Fact>}
        <Fact label="Content type">
          <code>{webhook.contentType}</code>
        </Fact>
        <Fact label="Ordering">{orderings[webhook.ordering]}</Fact>
        <Fact label="Certificate">{certificate(webhook)}</Fact>
        {route.kind !== "direct" && <Fact label="Egress">{egressText(route)}</Fact>}
        {retryMaxAttempts !== null && <Fact label="Max attempts">{retryMaxAttempts}</Fact>}
        {webhook.retryMaxAgeS !== null && <Fact label="Retry period">{webhook.retryMaxAgeS} s</Fact>}
        {timeoutS !== null && <Fact label="Timeout">{timeoutS} s</Fact>}
        {rateLimitPerS !== null && <Fact label="Rate limit">{rateLimitPerS} per second</Fact>}
        {webhook.digestS !== null && <Fact label="Digest">{webhook.digestS} s</Fact>}
        {headerNames.length > 0 && <Fact label="Custom headers">{headerNames.join(", ")}</Fact>}
        <Fact label="Created">
          <Time at={webhook.createdAt} />
        </Fact>
        <Fact label="UUID">
          <code>{webhook.uuid}</code>
        </Fact>
      </dl>
    </section>
  );
}

/** The egress, or why nothing is delivered: a deployment may no longer have the egress that a webhook needs. */
function egressText(route: Exclude<Route, { kind: "direct" }>): string {
  return route.kind === "egress"
    ? `Sent through “${route.egress.name}”`
    : `Not delivered: ${[subjects[route.field], route.reason].join(" ").trim()}`;
}

const subjects = { url: "", verify_ssl: "The certificate check", egress: "The egress" };

function certificate({ origin, verifySsl }: Webhook): string {
  if (origin.startsWith("http:")) return "None: HTTP is not encrypted";
  return verifySsl ? "Verified" : "Not verified";
}
