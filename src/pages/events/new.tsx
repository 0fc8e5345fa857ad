/** `GET` and `POST /events/new`: publishes an event, starting from a sample or a copy. */
import type { Context } from "hono";
import { z } from "zod";
import { allows, mayReadTexts } from "../../auth/scopes";
import { RequestError } from "../../platform/errors";
import { similarTypes } from "../../events/similar-types";
import type { AcceptedEvent } from "../../events/dispatch";
import { isPublishable } from "../../events/types";
import { audit } from "../../auth/audit";
import { publish } from "../../events/publish";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderForbidden } from "../forbidden";
import { renderPage } from "../layout";
import { count } from "../parts/format-numbers";
import { backTo, type Outcome, OutcomeNotice, takeOutcome } from "../parts/outcome";
import { readForm } from "../parts/read-form";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { PublishForm, type PublishFields, TypeForm } from "./publish-form";
import { eventPath } from "./paths";
import { copyOf, sampleText } from "./prefill";

const defaultType = "project:one-off-job:pipeline-run:failed";

/** Adds the page and its form to `router`. */
export function newEvent(router: Router): void {
  router.get("/events/new", signedIn("webhooks:read"), async (c) => {
    // A copy contains the payload of another event.
    if (c.req.query("like") !== undefined && !mayReadTexts(c.var.caller)) {
      return renderForbidden(c, "deliveries:read");
    }
    const fields = await initialFields(c);
    if (fields.errors.type) c.status(400);
    return showForm(c, fields);
  });

  router.post("/events/new", signedIn("events:publish"), async (c) => {
    const form = await readForm(c);
    const [type, event] = [form.get("type"), form.get("event")];
    // Browsers submit line breaks as CRLF.
    const text = typeof event === "string" ? event.replaceAll("\r\n", "\n").trim() : "";
    try {
      if (text === "") throw new RequestError(400, "The event is empty. Use a sample or enter one.");
      const { accepted } = await publish(c.env, text, { publisher: c.var.caller.id });
      await auditPublished(c, accepted, text);
      const [only] = accepted;
      const path = accepted.length === 1 && only !== undefined ? eventPath(only.uuid) : "/events";
      return backTo(c, path, outcomeOf(accepted));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      c.status(error.status);
      const known = typeof type === "string" && isPublishable(type) ? type : defaultType;
      return showForm(c, { type: known, text, errors: { text: error.message } });
    }
  });
}

async function initialFields(c: Context<AppEnv>): Promise<PublishFields> {
  const like = c.req.query("like");
  const copy = like === undefined ? null : await copyOf(c.env, like);
  if (copy !== null) return { ...copy, errors: {} };
  const wanted = c.req.query("type") ?? defaultType;
  if (isPublishable(wanted)) return { type: wanted, text: sampleText(wanted), errors: {} };
  const close = similarTypes(wanted);
  const hint = close.length === 0 ? "Choose one from the list." : `Did you mean ${close.join(" or ")}?`;
  const error = `This event type cannot be published. ${hint}`;
  return { type: defaultType, text: sampleText(defaultType), errors: { type: error } };
}

function showForm(c: Context<AppEnv>, fields: PublishFields): Response | Promise<Response> {
  const mayPublish = allows(c.var.caller.scopes, "events:publish");
  return renderPage(
    c,
    { title: "Publish event", user: c.var.caller, section: "/events", scripts: ["/copy.js"] },
    <>
      <div class="page-header">
        <div>
          <Breadcrumbs links={{ "/events": "Events" }} />
          <h1>Publish event</h1>
        </div>
      </div>
      <OutcomeNotice outcome={takeOutcome(c)} />
      {!mayPublish && (
        <p class="notice info">
          You can view samples. Publishing requires a token with the scope <code>events:publish</code>;{" "}
          {c.var.caller.name} has {c.var.caller.scopes.join(", ")}.
        </p>
      )}
      <TypeForm fields={fields} />
      <PublishForm fields={fields} mayPublish={mayPublish} />
    </>,
  );
}

/** Audits the published events, without duplicates. */
async function auditPublished(c: Context<AppEnv>, accepted: AcceptedEvent[], text: string): Promise<void> {
  const published = accepted.filter(({ duplicate }) => !duplicate);
  const [only] = published;
  if (only === undefined) return;
  const subject =
    accepted.length === 1
      ? { target: only.uuid, detail: typeOf(text) }
      : { detail: published.length === 1 ? "1 event" : `${published.length} events` };
  await audit(c, { action: "event.published", ...subject });
}

/** The type of the only event in an accepted text, which may be an array. */
function typeOf(text: string): string {
  const [event] = [JSON.parse(text) as unknown].flat();
  return z.looseObject({ type: z.string() }).parse(event).type;
}

function outcomeOf(accepted: AcceptedEvent[]): Outcome {
  const deliveries = accepted.reduce((sum, one) => sum + one.deliveries, 0);
  if (accepted.every(({ duplicate }) => duplicate)) {
    return {
      tone: "warn",
      text: "An event with this UUID was already published. It is not delivered again: use a new UUID.",
    };
  }
  const published = accepted.length === 1 ? "Published." : `${count(accepted.length)} events were published.`;
  return { tone: "good", text: `${published} ${deliveredTo(deliveries)}` };
}

function deliveredTo(webhooks: number): string {
  if (webhooks === 0) return "No webhook is subscribed.";
  return webhooks === 1 ? "Delivering to 1 webhook." : `Delivering to ${count(webhooks)} webhooks.`;
}
