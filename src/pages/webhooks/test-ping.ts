/** `POST /webhooks/{uuid}/test`: sends a test ping and redirects back with the outcome. */
import { RequestError } from "../../platform/errors";
import { mayReadTexts } from "../../auth/scopes";
import type { Caller } from "../../auth/caller";
import { explainFailure } from "../../send/explain-failure";
import type { Router } from "../../http/router";
import { operationOf } from "../../auth/operation";
import { pingWebhook, type WebhookPing } from "../../webhooks/ping-webhook";
import { signedIn } from "../current-user";
import { backTo, type Outcome } from "../parts/outcome";
import { readForm } from "../parts/read-form";
import { webhookInPath } from "./path-params";
import { listPath, webhookPath } from "./names-and-paths";

/**
 * Adds the form to `router`. With the field `back=webhook` it redirects to the webhook's page, else to its row in the
 * list page that starts after `after`.
 */
export function testWebhook(router: Router): void {
  router.post("/webhooks/:uuid/test", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const form = await readForm(c);
    const outcome = {
      ...(await pingOutcome(c.var.caller, () => pingWebhook(operationOf(c), webhook))),
      about: webhook.uuid,
    };
    if (form.get("back") === "webhook") return backTo(c, webhookPath(webhook), outcome);
    return backTo(c, `${listPath(form.get("after"))}#${testOutcomeId(webhook)}`, outcome);
  });
}

/** The id of the element that shows the outcome of a webhook's test. */
export function testOutcomeId({ uuid }: { uuid: string }): string {
  return `test-${uuid}`;
}

/**
 * Runs `ping` on behalf of `caller`.
 * @returns the result as an outcome; a rate limit is a warning.
 */
export async function pingOutcome(caller: Caller, ping: () => Promise<WebhookPing>): Promise<Outcome> {
  try {
    const result = await ping();
    return result.delivered
      ? { tone: "good", text: `The test ping was delivered.${shownText(result)}` }
      : { tone: "bad", text: `The test ping was not delivered: ${reasonFor(caller, result)}.` };
  } catch (error) {
    if (error instanceof RequestError && error.status === 429) return { tone: "warn", text: error.message };
    throw error;
  }
}

/**
 * @returns a sentence with the title of the message, so that people can find it in the service; empty for other
 *   formats.
 */
function shownText({ shown }: WebhookPing): string {
  if (shown === null) return "";
  const { service, icon, title } = shown;
  return ` ${service} shows: “${[icon, title].filter(Boolean).join(" ")}”.`;
}

/** Leaves out the response body for callers who may not read bodies. */
function reasonFor(caller: Caller, failed: Extract<WebhookPing, { delivered: false }>): string {
  const { error, status, reason } = failed;
  const mayQuoteBody = error === "http_4xx" || error === "http_5xx" || error === "service_error";
  if (!mayQuoteBody || mayReadTexts(caller)) return reason;
  return explainFailure({ error, status, responseBody: "" }, 0);
}
