/** What stands where there is no webhook yet: what one is, and the way to the first. */

export function NoWebhooks({ mayWrite }: { mayWrite: boolean }) {
  return (
    <section class="card empty-state" aria-labelledby="no-webhooks-title">
      <h2 id="no-webhooks-title">No webhooks yet</h2>
      <p>
        A webhook tells Slack, Discord, Teams or a program of yours what happens in Orchest, as soon as a job
        fails or an image is built. Everything arrives signed and in order, and what cannot be delivered is
        tried again until it can.
      </p>
      {mayWrite ? (
        <a class="button primary" href="/webhooks/new">
          New webhook
        </a>
      ) : (
        <p class="muted">
          To make one takes a token with the scope <code>webhooks:write</code>; you are signed in with one
          that may only read.
        </p>
      )}
    </section>
  );
}
