/**
 * `POST /webhooks/{uuid}/deliveries/{delivery}/redeliver` and `/skip`. They lead back to the delivery or, with
 * `back=webhook`, to the webhook's page.
 */
import type { Context } from "hono";
import type { ChangeResult } from "../../lane/webhook-lane";
import { operationOf } from "../../auth/operation";
import { changeDelivery as askForChange } from "../../webhooks/change-delivery";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { backTo, type Outcome } from "../parts/outcome";
import { readForm } from "../parts/read-form";
import { deliveryInPath, noDelivery } from "./path-params";
import { deliveryPath, webhookPath } from "./names-and-paths";

const done = {
  redeliver: { tone: "good", text: "It is being sent again. What comes of it will be among its attempts." },
  skip: { tone: "good", text: "The delivery was given up, and the line moves on." },
} as const satisfies Record<string, Outcome>;

const unconfirmed: Outcome = {
  tone: "warn",
  text: "Nothing was done: tick the box to confirm giving the delivery up.",
};

const refusals: Record<Exclude<ChangeResult, "done" | "unknown">, Outcome> = {
  finished: { tone: "warn", text: "The delivery is finished already: there is nothing to give up." },
  behind: {
    tone: "warn",
    text: "The delivery waits behind another one, which is tried first: send that one again, or give it up.",
  },
  inactive: {
    tone: "warn",
    text: "The webhook is paused or disabled and sends nothing: resume it first.",
  },
};

/** Adds both forms to `router`. */
export function changeDelivery(router: Router): void {
  router.post("/webhooks/:uuid/deliveries/:delivery/redeliver", signedIn("webhooks:write"), (c) =>
    change(c, "redeliver"),
  );

  router.post("/webhooks/:uuid/deliveries/:delivery/skip", signedIn("webhooks:write"), async (c) => {
    const form = await readForm(c);
    if (form.get("confirmed") === "yes") return change(c, "skip");
    return backTo(c, await pathBack(c), unconfirmed);
  });
}

async function change(c: Context<AppEnv>, what: keyof typeof done): Promise<Response> {
  const { webhook, sequence } = await deliveryInPath(c);
  const path = await pathBack(c);
  const result = await askForChange(operationOf(c), { webhookUuid: webhook.uuid, sequence }, what);
  if (result === "unknown") throw noDelivery();
  if (result !== "done") return backTo(c, path, refusals[result]);
  return backTo(c, path, done[what]);
}

async function pathBack(c: Context<AppEnv>): Promise<string> {
  const { webhook, uuid } = await deliveryInPath(c);
  const form = await readForm(c);
  return form.get("back") === "webhook" ? webhookPath(webhook) : deliveryPath(webhook, uuid);
}
