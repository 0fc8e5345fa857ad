/** `POST /webhooks/{uuid}/test`: sends a ping, and leads back to the list with the outcome. */
import { cursorParamSchema } from "../../http/list-params";
import type { Router } from "../../http/router";
import { pingWebhook } from "../../http/subscribers/ping-webhook";
import { signedIn } from "../current-user";
import { backTo } from "../parts/outcome";
import { webhookInPath } from "./in-path";

const outcomes = {
  delivered: { tone: "good", text: "The test ping was delivered: the receiver answered with success." },
  undelivered: {
    tone: "bad",
    text: "The test ping was not delivered: the receiver cannot be reached, or answered with an error.",
  },
} as const;

/** Adds the form to `router`. */
export function testWebhook(router: Router): void {
  router.post("/webhooks/:uuid/test", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const after = cursorParamSchema.safeParse((await c.req.parseBody())["after"]).data;
    const { delivered } = await pingWebhook(c, webhook);
    const { tone, text } = delivered ? outcomes.delivered : outcomes.undelivered;
    return backTo(c, after === undefined ? "/" : `/?after=${after}`, { tone, text, about: webhook.uuid });
  });
}
