/** `GET /webhooks/{uuid}/live`: a WebSocket to the webhook's lane that signals changes. */
import { sessionTag } from "../../auth/session";
import { RequestError } from "../../platform/errors";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { webhookInPath } from "./path-params";
import { relaySocket } from "./socket-relay";
import { laneOf } from "../../lane/lane-of";

/** Adds it to `router`. */
export function liveSocket(router: Router): void {
  router.get("/webhooks/:uuid/live", signedIn("webhooks:read"), async (c) => {
    if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") {
      throw new RequestError(426, "This path accepts WebSocket connections only.");
    }
    // Browsers send cookies with cross-site WebSocket requests and let the other site read the messages.
    if (c.req.header("Origin") !== new URL(c.req.url).origin) {
      throw new RequestError(403, "WebSockets are accepted only from this site's own pages.");
    }
    const { uuid } = await webhookInPath(c);
    const address = new URL("https://lane/");
    address.searchParams.set("session", await sessionTag(c));
    const lane = laneOf(c.env, uuid);
    const { body, status, webSocket } = await lane.fetch(address, { headers: { Upgrade: "websocket" } });
    // Middleware sets headers on the response later; those of the lane's own response are immutable.
    if (webSocket === null) return new Response(body, { status });
    // Hono types executionCtx as a subset of the runtime's ExecutionContext.
    return new Response(null, {
      status,
      webSocket: relaySocket(webSocket, c.executionCtx as ExecutionContext),
    });
  });
}
