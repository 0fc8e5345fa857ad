/** What a webhook is set to: of its URL only the origin, of its headers only the names, of its secret nothing. */
import type { Webhook } from "../../db/webhooks";
import { Time } from "../parts/time";

const orders: Record<Webhook["ordering"], string> = {
  strict: "Strict: each waits for the one before it",
  keyed: "Kept for each project",
  none: "None: nothing waits for another",
};

export function WebhookFacts({ webhook }: { webhook: Webhook }) {
  const { retryMaxAttempts, timeoutS, rateLimitPerS, headerNames } = webhook;
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">Settings</h2>
      <dl class="facts">
        <dt>Sends to</dt>
        <dd>{webhook.origin}</dd>
        <dt>Content type</dt>
        <dd>
          <code>{webhook.contentType}</code>
        </dd>
        <dt>Order</dt>
        <dd>{orders[webhook.ordering]}</dd>
        <dt>Certificate</dt>
        <dd>{certificate(webhook)}</dd>
        {retryMaxAttempts !== null && (
          <>
            <dt>Attempts at most</dt>
            <dd>{retryMaxAttempts}</dd>
          </>
        )}
        {webhook.retryMaxAgeS !== null && (
          <>
            <dt>Tried for at most</dt>
            <dd>{webhook.retryMaxAgeS} s</dd>
          </>
        )}
        {timeoutS !== null && (
          <>
            <dt>Time-out</dt>
            <dd>{timeoutS} s</dd>
          </>
        )}
        {rateLimitPerS !== null && (
          <>
            <dt>Rate limit</dt>
            <dd>{rateLimitPerS} a second</dd>
          </>
        )}
        {headerNames.length > 0 && (
          <>
            <dt>Custom headers</dt>
            <dd>{headerNames.join(", ")}</dd>
          </>
        )}
        <dt>Created</dt>
        <dd>
          <Time at={webhook.createdAt} />
        </dd>
        <dt>UUID</dt>
        <dd>
          <code>{webhook.uuid}</code>
        </dd>
      </dl>
    </section>
  );
}

function certificate({ origin, verifySsl }: Webhook): string {
  if (origin.startsWith("http:")) return "None: the connection is not encrypted";
  return verifySsl ? "Verified" : "Not verified";
}
