/**
 * `POST /webhooks/{uuid}/deliveries/{delivery}/redeliver` and `/skip`. Both redirect to the
 * delivery's page or, with `back=webhook`, to the webhook's page.
 */
import type { Context } from "hono";
import type { ChangeResult } from "../../lane/change-delivery";
import { operationOf } from "../../auth/operation";
import { changeDelivery as askForChange } from "../../webhooks/change-delivery";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { backTo, type Outcome } from "../parts/outcome";
import { readForm } from "../parts/read-form";
import { deliveryInPath, deliveryNotFound } from "./path-params";
import { deliveryPath, webhookPath } from "./names-and-paths";

const done = {
  redeliver: { tone: "good", text: "Resending. The result will appear under Attempts." },
  skip: { tone: "good", text: "The delivery was given up. It no longer blocks others." },
} as const satisfies Record<string, Outcome>;

const unconfirmed: Outcome = {
  tone: "warn",
  text: "Nothing was changed: select the checkbox to confirm.",
};

const reasons: Record<Exclude<ChangeResult, "done" | "unknown">, Outcome> = {
  finished: { tone: "warn", text: "The delivery is already finished, so it cannot be given up." },
  behind: {
    tone: "warn",
    text: "The delivery is blocked by an earlier one. Resend or give up that one first.",
  },
  inactive: {
    tone: "warn",
    text: "The webhook is paused or disabled. Resume it first.",
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
  if (result === "unknown") throw deliveryNotFound();
  if (result !== "done") return backTo(c, path, reasons[result]);
  return backTo(c, path, done[what]);
}

async function pathBack(c: Context<AppEnv>): Promise<string> {
  const { webhook, uuid } = await deliveryInPath(c);
  const form = await readForm(c);
  return form.get("back") === "webhook" ? webhookPath(webhook) : deliveryPath(webhook, uuid);
}
