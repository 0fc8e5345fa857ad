/** Links to rarely used actions: replay, secret rotation, deletion. */
import type { Webhook } from "../../webhooks/webhooks";
import { webhookPath } from "./names-and-paths";

/** Only for callers who may change the webhook. */
export function Manage({ webhook }: { webhook: Webhook }) {
  const path = webhookPath(webhook);
  return (
    <section class="card" aria-labelledby="manage-title">
      <h2 id="manage-title">Manage</h2>
      <ul class="actions">
        <li>
          <p>
            <strong>Replay</strong>: resend past deliveries, or send events that this webhook missed.
          </p>
          <a class="button" href={`${path}/replay`}>
            Replay…
          </a>
        </li>
        <li>
          <p>
            <strong>Rotate secret</strong>: the current secret keeps signing for a grace period.
          </p>
          <a class="button" href={`${path}/rotate-secret`}>
            Rotate secret…
          </a>
        </li>
        <li>
          <p>
            <strong>Delete</strong>: removes the webhook and all its deliveries permanently.
          </p>
          <a class="button danger" href={`${path}/delete`}>
            Delete…
          </a>
        </li>
      </ul>
    </section>
  );
}
