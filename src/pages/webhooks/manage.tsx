/** What is rarely done with a webhook, and is to be done with care. */
import type { Webhook } from "../../webhooks/webhooks";
import { webhookPath } from "./names-and-paths";

export function Manage({ webhook }: { webhook: Webhook }) {
  const path = webhookPath(webhook);
  return (
    <section class="card" aria-labelledby="manage-title">
      <h2 id="manage-title">More</h2>
      <ul class="actions">
        <li>
          <p>
            <strong>Send again</strong>: what was accepted in a time, or never reached this webhook.
          </p>
          <a class="button" href={`${path}/replay`}>
            Send again…
          </a>
        </li>
        <li>
          <p>
            <strong>New secret</strong>: the present one goes on signing for a while, so that nothing is
            refused.
          </p>
          <a class="button" href={`${path}/rotate-secret`}>
            Change the secret…
          </a>
        </li>
        <li>
          <p>
            <strong>Delete</strong>: with all of its deliveries, for good.
          </p>
          <a class="button danger" href={`${path}/delete`}>
            Delete…
          </a>
        </li>
      </ul>
    </section>
  );
}
