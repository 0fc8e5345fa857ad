/**
 * `GET /egress/{name}/connect`: relays that connect to the gateway. It needs no token: `Authorization` contains the
 * relay's signature.
 */
import { limitGuesses } from "../../auth/guesses";
import type { Router } from "../../http/router";
import { connectRelay } from "../../send/egress/relay-hub";

/** Adds the endpoint to `router`. It belongs to the protocol of relays and is not in the OpenAPI document. */
export function connectRelays(router: Router): void {
  router.get("/egress/:name/connect", async (c) => {
    const response = await connectRelay(c.env, c.req.param("name"), c.req.raw);
    if (response.status === 401) await limitGuesses(c, "signatures");
    return response;
  });
}
