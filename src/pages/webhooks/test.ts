/** `POST /webhooks/{uuid}/test`: sends a ping, and leads back to the list with the outcome. */
import { cursorParamSchema } from "../../http/list-params";
import type { Router } from "../../http/router";
import { pingWebhook } from "../../http/subscribers/ping-webhook";
import { signedIn } from "../current-user";
import { backTo } from "../parts/outcome";
import { webhookInPath } from "./in-path";

/** Adds the form to `router`. */
export function testWebhook(router: Router): void {
  router.post("/webhooks/:uuid/test", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const after = cursorParamSchema.safeParse((await c.req.parseBody())["after"]).data;
    const { delivered } = await pingWebhook(c, webhook);
    const page = after === undefined ? "" : `after=${after}&`;
    return backTo(c, `/?${page}tested=${webhook.uuid}`, delivered ? "delivered" : "undelivered");
  });
}
