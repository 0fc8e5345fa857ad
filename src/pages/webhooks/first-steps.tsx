/** What stands where there is no webhook yet: what one is, and how to make it. */

/** @param props.origin where this gateway is. */
export function FirstSteps({ origin, mayWrite }: { origin: string; mayWrite: boolean }) {
  return (
    <section class="card" aria-labelledby="first-steps-title">
      <h2 id="first-steps-title">No webhooks yet</h2>
      <p>
        A webhook tells another program what happens in Orchest: when a job fails or an image is built, the
        gateway posts the event to a URL of yours. It signs each one, keeps their order, and tries again until
        it arrives.
      </p>
      <p>
        Make one with the API. This one hears of every cron job run that fails; give it your own URL, secret
        and token:
      </p>
      <pre tabindex={0} aria-label="Command that makes a webhook">
        <code>{createCommand(origin)}</code>
      </pre>
      <p class="muted">
        {mayWrite
          ? "It is here as soon as you reload this page."
          : "It takes a token with the scope webhooks:write; you are signed in with one that may only read."}
      </p>
    </section>
  );
}

function createCommand(origin: string): string {
  const spec = {
    url: "https://example.com/hook",
    name: "My first webhook",
    verify_ssl: true,
    secret: "a-long-random-text",
    subscriptions: [{ event_type: "project:cron-job:run:failed" }],
  };
  return [
    `curl -X POST ${origin}/api/notifications/subscribers/webhooks \\`,
    `  -H "Authorization: Bearer $TOKEN" \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify(spec)}'`,
  ].join("\n");
}
