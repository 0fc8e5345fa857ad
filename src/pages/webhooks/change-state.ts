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
    text: "The webhook was paused: what comes is kept, and nothing is sent until it is resumed.",
  },
  stillDisabled: {
    tone: "warn",
    text: "The webhook is disabled and sends nothing already: it cannot be paused. Resume it to send again.",
  },
  resumed: { tone: "good", text: "The webhook was resumed: what was kept is sent, in order." },
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
