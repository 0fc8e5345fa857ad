/** `POST /webhooks/{uuid}/pause` and `/resume`. */
import { operationOf } from "../../auth/operation";
import { changeState } from "../../webhooks/change-state";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { backTo, type Outcome } from "../parts/outcome";
import { webhookInPath } from "./path-params";
import { webhookPath } from "./names-and-paths";

const outcomes = {
  paused: {
    tone: "good",
    text: "Paused. New deliveries are queued and sent after you resume.",
  },
  stillDisabled: {
    tone: "warn",
    text: "The webhook is disabled, so it cannot be paused. Resume it to send deliveries.",
  },
  resumed: { tone: "good", text: "Resumed. Queued deliveries are being sent." },
} as const satisfies Record<string, Outcome>;

/** Adds both forms to `router`. */
export function changeWebhookState(router: Router): void {
  router.post("/webhooks/:uuid/pause", signedIn("webhooks:write"), async (c) => {
    const { uuid } = await webhookInPath(c);
    const { state } = await changeState(operationOf(c), uuid, "pause");
    return backTo(c, webhookPath({ uuid }), state === "disabled" ? outcomes.stillDisabled : outcomes.paused);
  });

  router.post("/webhooks/:uuid/resume", signedIn("webhooks:write"), async (c) => {
    const { uuid } = await webhookInPath(c);
    await changeState(operationOf(c), uuid, "resume");
    return backTo(c, webhookPath({ uuid }), outcomes.resumed);
  });
}
