/** `POST /webhooks/{uuid}/pause` and `/resume`. */
import { audit } from "../../http/audit/audit";
import { changeState } from "../../http/lanes/change-state";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { backTo } from "../parts/outcome";
import { webhookInPath } from "./in-path";
import { pathOf } from "./names";

/** Adds both forms to `router`. */
export function changeWebhookState(router: Router): void {
  router.post("/webhooks/:uuid/pause", signedIn("webhooks:write"), async (c) => {
    const { uuid } = await webhookInPath(c);
    const { state } = await changeState(c.env, uuid, (lane) => lane.pause());
    await audit(c, { action: "webhook.paused", target: uuid });
    return backTo(c, pathOf({ uuid }), state === "disabled" ? "still-disabled" : "paused");
  });

  router.post("/webhooks/:uuid/resume", signedIn("webhooks:write"), async (c) => {
    const { uuid } = await webhookInPath(c);
    await changeState(c.env, uuid, (lane) => lane.resume());
    await audit(c, { action: "webhook.resumed", target: uuid });
    return backTo(c, pathOf({ uuid }), "resumed");
  });
}
