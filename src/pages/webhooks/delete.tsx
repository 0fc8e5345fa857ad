/** `GET` and `POST /webhooks/{uuid}/delete`: lists what is deleted, and asks for the webhook's name. */
import type { Context } from "hono";
import type { Webhook } from "../../webhooks/webhooks";
import type { LaneStats } from "../../lane/lane-stats";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { operationOf } from "../../auth/operation";
import { deleteWebhook } from "../../webhooks/delete-webhook";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { deadLettersText } from "../parts/quantities";
import { askLane } from "../parts/ask-lane";
import { TextField } from "../parts/field";
import { FormButtons } from "../parts/form-buttons";
import { count } from "../parts/format-numbers";
import { backTo } from "../parts/outcome";
import { readForm } from "../parts/read-form";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { textOf } from "./form/form-values";
import { webhookInPath } from "./path-params";
import { nameOf, webhookPath } from "./names-and-paths";

/** Adds the page and its form to `router`. */
export function deleteWebhookPage(router: Router): void {
  router.get("/webhooks/:uuid/delete", signedIn("webhooks:write"), async (c) =>
    renderForm(c, await webhookInPath(c)),
  );

  router.post("/webhooks/:uuid/delete", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const typed = textOf(await readForm(c), "name");
    if (asShown(typed) !== asShown(nameOf(webhook))) {
      c.status(400);
      return renderForm(c, webhook, typed);
    }
    await deleteWebhook(operationOf(c), webhook.uuid);
    return backTo(c, "/", { tone: "good", text: `${nameOf(webhook)} was deleted.` });
  });
}

/** A name as a page displays it. Browsers collapse white space, so that people cannot see or type the rest. */
function asShown(name: string): string {
  return name.normalize("NFC").replaceAll(/\s+/g, " ").trim();
}

/** @param typed a wrong name that was submitted. */
async function renderForm(c: Context<AppEnv>, webhook: Webhook, typed?: string): Promise<Response> {
  const stats = await askLane(c.env, webhook.uuid, (lane) => lane.stats());
  const path = webhookPath(webhook);
  const name = nameOf(webhook);
  const isActive = (stats ?? webhook).state === "active";
  return renderPage(
    c,
    { title: `Delete ${name}`, user: c.var.caller, section: "/" },
    <section class="card form-card" aria-labelledby="delete-title">
      <Breadcrumbs links={{ "/": "Webhooks", [path]: name }} />
      <h1 id="delete-title">Delete {name}</h1>
      <p>This cannot be undone. It deletes:</p>
      <DeletedData stats={stats} />
      {isActive && (
        <p>
          To stop sending without losing anything, pause it instead: new deliveries are queued and sent after
          you resume.
        </p>
      )}
      {isActive && (
        <form method="post" action={`${path}/pause`}>
          <button class="button" type="submit">
            Pause instead
          </button>
        </form>
      )}
      <hr />
      <form class="stack" method="post" action={`${path}/delete`}>
        <TextField
          name="name"
          label="Type the webhook's name to confirm"
          hint={
            <>
              <strong>{name}</strong>
            </>
          }
          error={typed === undefined ? undefined : `The name does not match. Type ${name} to confirm.`}
          value={typed}
          autocomplete="off"
          autocapitalize="off"
          spellcheck="false"
          required
        />
        <FormButtons submit="Delete webhook" tone="danger" cancel={path} />
      </form>
    </section>,
  );
}

function DeletedData({ stats }: { stats: LaneStats | null }) {
  return (
    <ul>
      <li>its URL, secret and subscriptions</li>
      {stats === null ? (
        <li>all deliveries, including those not sent yet</li>
      ) : (
        <>
          {stats.backlog > 0 && (
            <li>
              <strong>{deliveries(stats.backlog)}</strong> not sent yet
            </li>
          )}
          {stats.counts.dead > 0 && (
            <li>
              <strong>{deadLettersText(stats.counts.dead)}</strong>
            </li>
          )}
          <li>the delivery log and metrics</li>
        </>
      )}
    </ul>
  );
}

function deliveries(number: number): string {
  return number === 1 ? "1 delivery" : `${count(number)} deliveries`;
}
