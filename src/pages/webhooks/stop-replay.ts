/** `POST /webhooks/{uuid}/replays/{replay}/stop`: redirects to the replay's page or, with `back=webhook`, to the webhook's. */
import { operationOf } from "../../auth/operation";
import type { Router } from "../../http/router";
import type { ReplayProgress } from "../../lane/replay-progress";
import { RequestError } from "../../platform/errors";
import { stopReplay } from "../../webhooks/stop-replay";
import { signedIn } from "../current-user";
import { count } from "../parts/format-numbers";
import { backTo, type Outcome } from "../parts/outcome";
import { readForm } from "../parts/read-form";
import { webhookPath } from "./names-and-paths";
import { webhookInPath } from "./path-params";
import { replayPath } from "./replay-path";

/** Adds the form to `router`. */
export function stopReplayForm(router: Router): void {
  router.post("/webhooks/:uuid/replays/:replay/stop", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const id = c.req.param("replay").toLowerCase();
    const progress = await stopReplay(operationOf(c), webhook, id);
    if (progress === null) throw new RequestError(404, "Replay not found. It may have finished long ago.");
    const isFromWebhook = (await readForm(c)).get("back") === "webhook";
    return backTo(c, isFromWebhook ? webhookPath(webhook) : replayPath(webhook, id), outcomeOf(progress));
  });
}

function outcomeOf({ stopped, sent, queued, isExact }: ReplayProgress): Outcome {
  if (!stopped) return { tone: "warn", text: "The replay had already finished." };
  const of = isExact ? ` of ${count(queued)}` : "";
  return { tone: "good", text: `Replay stopped after ${count(sent)}${of}. Nothing more is sent.` };
}
