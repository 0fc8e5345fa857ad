/** `GET /webhooks/{uuid}/live`: a WebSocket to the webhook's lane that says when something changed. */
import { RequestError } from "../../errors";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { webhookInPath } from "./in-path";

/** Adds it to `router`. */
export function liveSocket(router: Router): void {
  router.get("/webhooks/:uuid/live", signedIn("webhooks:read"), async (c) => {
    if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") {
      throw new RequestError(426, "This is for WebSockets: the webhook's page opens one.");
    }
    // Browsers send the cookie along from any site, and hold back no answer.
    if (c.req.header("Origin") !== new URL(c.req.url).origin) {
      throw new RequestError(403, "WebSockets are opened by this site's own pages only.");
    }
    const { uuid } = await webhookInPath(c);
    const { body, status, webSocket } = await c.env.LANES.getByName(uuid).fetch(c.req.raw);
    // Its headers are yet to be set, which the lane's own answer does not allow.
    return new Response(body, { status, webSocket });
  });
}
