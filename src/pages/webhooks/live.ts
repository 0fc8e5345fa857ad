/** `GET /webhooks/{uuid}/live`: a WebSocket to the webhook's lane that says when something changed. */
import { sessionTag } from "../../auth/session";
import { RequestError } from "../../platform/errors";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { webhookInPath } from "./path-params";
import { joinPage } from "./page-socket";

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
    const address = new URL("https://lane/");
    address.searchParams.set("session", await sessionTag(c));
    const lane = c.env.LANES.getByName(uuid);
    const { body, status, webSocket } = await lane.fetch(address, { headers: { Upgrade: "websocket" } });
    // Its headers are yet to be set, which the lane's own answer does not allow.
    if (webSocket === null) return new Response(body, { status });
    // hono's type of the context knows less than there is.
    return new Response(null, { status, webSocket: joinPage(webSocket, c.executionCtx as ExecutionContext) });
  });
}
