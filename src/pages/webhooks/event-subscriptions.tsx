/** The subscriptions of a webhook. */
import type { Subscription } from "../../webhooks/subscriptions";

/** Lists the event types and wildcards, each with its project and job. */
export function EventSubscriptions({ subscriptions }: { subscriptions: Subscription[] }) {
  return (
    <section class="card" aria-labelledby="events-title">
      <h2 id="events-title">Events</h2>
      {subscriptions.length === 0 ? (
        <p class="muted">No subscriptions yet.</p>
      ) : (
        <ul>
          {subscriptions.map(({ eventType, projectUuid, jobUuid }) => (
            <li>
              {eventType}
              {projectUuid && (
                <div class="muted small">
                  project {projectUuid}
                  {jobUuid && `, job ${jobUuid}`}
                </div>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
