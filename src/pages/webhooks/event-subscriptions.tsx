/** What a webhook hears: all of its subscriptions. */
import type { Subscription } from "../../webhooks/subscriptions";

export function EventSubscriptions({ subscriptions }: { subscriptions: Subscription[] }) {
  return (
    <section class="card" aria-labelledby="events-title">
      <h2 id="events-title">What it hears</h2>
      {subscriptions.length === 0 ? (
        <p class="muted">Nothing yet: it has no subscriptions.</p>
      ) : (
        <ul>
          {subscriptions.map(({ eventType, projectUuid, jobUuid }) => (
            <li>
              {eventType}
              {projectUuid && (
                <div class="muted small">
                  only of the project {projectUuid}
                  {jobUuid && ` and its job ${jobUuid}`}
                </div>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
