/** `GET` and `POST /webhooks/{uuid}/replay`: sends again what was accepted in a time, and leads to the progress. */
import type { Context } from "hono";
import { z } from "zod";
import type { Webhook } from "../../webhooks/webhooks";
import type { ReplayRequest } from "../../lane/start-replay";
import { operationOf } from "../../auth/operation";
import { startReplay } from "../../webhooks/start-replay";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { TextField } from "../parts/field";
import { FormFoot } from "../parts/form-foot";
import { backTo, type Outcome } from "../parts/outcome";
import { readForm } from "../parts/read-form";
import { readable } from "../parts/time";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { parseUtc, utcText } from "../parts/utc-time";
import { textOf } from "./form/form-values";
import { webhookInPath } from "./path-params";
import { nameOf, webhookPath } from "./names-and-paths";
import { replayPath } from "./replay-progress";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const kinds = [
  ["dead", "Dead letters", "what was given up"],
  ["all", "Everything", "also what has arrived: the receiver gets it once more"],
  ["missing", "What never reached it", "events of the archive that it would hear of today and never had"],
] as const;

const presets = [
  [1, "Last hour"],
  [24, "Last 24 hours"],
  [7 * 24, "Last 7 days"],
] as const;

type Kind = ReplayRequest["kind"];

/** What is in the form, and what is wrong with it. `uuid`: the replay's, so that sending the form twice makes one. */
type Typed = {
  uuid: string;
  kind: Kind;
  since: string;
  until: string;
  errors: { since?: string; until?: string };
};

/** Adds the page and its form to `router`. */
export function replayPage(router: Router): void {
  router.get("/webhooks/:uuid/replay", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const [hours] = presets.find(([preset]) => String(preset) === c.req.query("hours")) ?? [24];
    const since = utcText(Math.floor((Date.now() - hours * hourMs) / minuteMs) * minuteMs);
    const kind = kindOf(c.req.query("kind"));
    return renderForm(c, webhook, { uuid: crypto.randomUUID(), kind, since, until: "", errors: {} });
  });

  router.post("/webhooks/:uuid/replay", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const typed = readTyped(await readForm(c));
    const since = parseUtc(typed.since) ?? Number.NaN;
    const until = typed.until === "" ? Date.now() : (parseUtc(typed.until) ?? Number.NaN);
    if (Number.isNaN(since)) typed.errors.since = "Say from when on, as in 2026-11-05T12:00.";
    if (Number.isNaN(until))
      typed.errors.until = "Leave it empty, or say until when, as in 2026-11-05T12:00.";
    else if (until <= since) typed.errors.until = "The end must be later than the beginning.";
    if (Object.keys(typed.errors).length > 0) return refuse(c, webhook, typed);

    const started = await startReplay(operationOf(c), webhook, {
      kind: typed.kind,
      since,
      until,
      id: typed.uuid,
    });
    switch (started.outcome) {
      case "started": {
        const path = replayPath(webhook, started.id);
        return started.isNew ? c.redirect(path, 303) : backTo(c, path, startedBefore);
      }
      case "tooEarly": {
        const earliest = readable(Math.ceil(started.earliest / minuteMs) * minuteMs, 0);
        typed.errors.since = `What is older is no longer kept: choose ${earliest} or later.`;
        return refuse(c, webhook, typed);
      }
      case "unknown":
        // It was deleted a moment ago: this says so.
        await webhookInPath(c);
        throw new Error("The lane is closed and the webhook is there.");
    }
  });
}

const startedBefore: Outcome = {
  tone: "good",
  text: "This form had started it already, and did not start it twice. To send something else again, open the form anew.",
};

function readTyped(form: FormData): Typed {
  const text = (name: string) => textOf(form, name).trim();
  const uuid = z.guid().safeParse(text("uuid")).data?.toLowerCase() ?? crypto.randomUUID();
  return { uuid, kind: kindOf(text("kind")), since: text("since"), until: text("until"), errors: {} };
}

function kindOf(text: string | undefined): Kind {
  return kinds.find(([kind]) => kind === text)?.[0] ?? "dead";
}

function refuse(c: Context<AppEnv>, webhook: Webhook, typed: Typed): Response | Promise<Response> {
  c.status(400);
  return renderForm(c, webhook, typed);
}

function renderForm(c: Context<AppEnv>, webhook: Webhook, typed: Typed): Response | Promise<Response> {
  const path = webhookPath(webhook);
  return renderPage(
    c,
    { title: `Send again to ${nameOf(webhook)}`, user: c.var.caller, section: "/" },
    <section class="card form-card" aria-labelledby="replay-title">
      <Breadcrumbs links={{ "/": "Webhooks", [path]: nameOf(webhook) }} />
      <h1 id="replay-title">Send again</h1>
      <p>
        What is sent again does not hold up what comes in: it goes when nothing else waits, and one in ten
        otherwise. It carries the header <code>X-Orchest-Replay</code>.
      </p>
      <form id="replay-form" class="stack" method="post" action={`${path}/replay`}>
        {/* What Enter in a field does: the first submit button is what browsers press then. */}
        <button class="visually-hidden" type="submit" tabindex={-1} aria-hidden="true">
          Send again
        </button>
        <input type="hidden" name="uuid" value={typed.uuid} />
        <fieldset>
          <legend>What</legend>
          {kinds.map(([kind, label, hint]) => (
            <label class="choice">
              <input type="radio" name="kind" value={kind} checked={kind === typed.kind} />
              <span>
                {label}: <span class="muted">{hint}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <div class="row" role="group" aria-label="Times to choose from">
          {presets.map(([hours, label]) => (
            <button
              class="button small quiet"
              type="submit"
              formmethod="get"
              formnovalidate
              name="hours"
              value={hours}
            >
              {label}
            </button>
          ))}
        </div>
        <div class="grid">
          <TextField
            name="since"
            label="Accepted since (UTC)"
            type="datetime-local"
            value={typed.since}
            error={typed.errors.since}
            required
          />
          <TextField
            name="until"
            label="Accepted before (UTC)"
            hint="Empty: up to now"
            type="datetime-local"
            value={typed.until}
            error={typed.errors.until}
          />
        </div>
        <FormFoot send="Send again" cancel={path} />
      </form>
    </section>,
  );
}
