/** What a webhook is set to: of its URL only the origin, of its headers only the names, of its secret nothing. */
import type { Webhook } from "../../webhooks/webhooks";
import { Fact } from "../parts/fact";
import { Time } from "../parts/time";

const orders: Record<Webhook["ordering"], string> = {
  strict: "Strict: each waits for the one before it",
  keyed: "Kept per job, else per project, else per event type",
  none: "None: nothing waits for another",
};

export function WebhookFacts({ webhook }: { webhook: Webhook }) {
  const { retryMaxAttempts, timeoutS, rateLimitPerS, headerNames } = webhook;
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">Settings</h2>
      <dl class="facts">
        <Fact label="Sends to">{webhook.origin}</Fact>
        <Fact label="Content type">
          <code>{webhook.contentType}</code>
        </Fact>
        <Fact label="Order">{orders[webhook.ordering]}</Fact>
        <Fact label="Certificate">{certificate(webhook)}</Fact>
        {retryMaxAttempts !== null && <Fact label="Attempts at most">{retryMaxAttempts}</Fact>}
        {webhook.retryMaxAgeS !== null && <Fact label="Tried for at most">{webhook.retryMaxAgeS} s</Fact>}
        {timeoutS !== null && <Fact label="Time-out">{timeoutS} s</Fact>}
        {rateLimitPerS !== null && <Fact label="Rate limit">{rateLimitPerS} a second</Fact>}
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

function certificate({ origin, verifySsl }: Webhook): string {
  if (origin.startsWith("http:")) return "None: the connection is not encrypted";
  return verifySsl ? "Verified" : "Not verified";
}
