/** The running replays on a webhook's page, with their progress. */
import type { ListedReplay } from "../../lane/replay-progress";
import type { Webhook } from "../../webhooks/webhooks";
import { Progress } from "../parts/progress";
import { changedParts } from "./blocking-deliveries";
import { webhookPath } from "./names-and-paths";
import { replayPath } from "./replay-path";

const labels: Record<ListedReplay["kind"], string> = {
  one: "Resending",
  picked: "Replaying selected dead letters",
  dead: "Replaying dead letters",
  all: "Replaying everything",
  missing: "Replaying missing events",
};

/** @param props.replays in the order in which they are sent. The first one is being sent. */
export function RunningReplays({
  webhook,
  replays,
  mayWrite,
}: {
  webhook: Webhook;
  replays: ListedReplay[];
  mayWrite: boolean;
}) {
  return (
    <>
      {replays.map((replay) => (
        <div class="card stack">
          <Progress
            label={labels[replay.kind]}
            value={replay.sent}
            max={replay.isExact ? replay.queued : null}
          />
          <div class="row">
            <a class="button small quiet" href={replayPath(webhook, replay.id)}>
              View<span class="visually-hidden"> progress: {labels[replay.kind]}</span>
            </a>
            {mayWrite && <StopReplay webhook={webhook} id={replay.id} isOnWebhookPage />}
          </div>
        </div>
      ))}
    </>
  );
}

/** The button that stops a replay. @param props.isOnWebhookPage whether to return there, else to the replay's page. */
export function StopReplay({
  webhook,
  id,
  isOnWebhookPage = false,
}: {
  webhook: Pick<Webhook, "uuid">;
  id: string;
  isOnWebhookPage?: boolean;
}) {
  return (
    <form
      method="post"
      action={`${webhookPath(webhook)}/replays/${id}/stop`}
      data-in-place={isOnWebhookPage ? changedParts : undefined}
    >
      {isOnWebhookPage && <input type="hidden" name="back" value="webhook" />}
      <button class={isOnWebhookPage ? "button small" : "button"} type="submit">
        Stop<span class="visually-hidden"> replay</span>
      </button>
    </form>
  );
}
