/** The empty state of the list: what a webhook does, and a link to create one. */

/** @param props.mayWrite whether the caller may create webhooks. */
export function NoWebhooks({ mayWrite }: { mayWrite: boolean }) {
  return (
    <section class="card empty-state" aria-labelledby="no-webhooks-title">
      <h2 id="no-webhooks-title">No webhooks yet</h2>
      <p>
        A webhook sends events from Orchest to Slack, Discord, Teams or your own service, for example when a
        job fails or an image is built. Every request is signed, and failed deliveries are retried.
      </p>
      {mayWrite ? (
        <a class="button primary" href="/webhooks/new">
          Create webhook
        </a>
      ) : (
        <p class="muted">
          Creating a webhook requires a token with the scope <code>webhooks:write</code>. Yours is read-only.
        </p>
      )}
    </section>
  );
}
