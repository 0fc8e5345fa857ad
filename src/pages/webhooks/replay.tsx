/** `GET` and `POST /webhooks/{uuid}/replay`: starts a replay of a time range, and redirects to its progress. */
import type { Context } from "hono";
import { z } from "zod";
import type { Webhook } from "../../webhooks/webhooks";
import type { QueuedCount } from "../../lane/replay-selection";
import type { ReplayRequest } from "../../lane/start-replay";
import { operationOf } from "../../auth/operation";
import { countReplays } from "../../webhooks/count-replay";
import { startReplay } from "../../webhooks/start-replay";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { TextField } from "../parts/field";
import { answerOrNull } from "../parts/ask-lane";
import { count } from "../parts/format-numbers";
import { FormButtons } from "../parts/form-buttons";
import { backTo, type Outcome } from "../parts/outcome";
import { readForm } from "../parts/read-form";
import { timeText } from "../parts/time";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { parseUtc, utcText } from "../parts/utc-time";
import { textOf } from "./form/form-values";
import { webhookInPath } from "./path-params";
import { nameOf, webhookPath } from "./names-and-paths";
import { replayPath } from "./replay-path";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const kinds = [
  ["dead", "Dead letters", "deliveries that were given up"],
  ["all", "Everything", "also delivered ones: the receiver gets them again"],
  [
    "missing",
    "Missing events",
    "archived events that match its current subscriptions and were never delivered to it",
  ],
] as const;

const presets = [
  [1, "Last hour"],
  [24, "Last 24 hours"],
  [7 * 24, "Last 7 days"],
] as const;

type Kind = ReplayRequest["kind"];

/** The form's fields and errors. `uuid`: of the replay, so that submitting the form twice starts one replay. */
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
    const kind = kindOf(c.req.query("kind"));
    const uuid = crypto.randomUUID();
    if (c.req.query("count") !== undefined) {
      const [since, until] = [c.req.query("since") ?? "", c.req.query("until") ?? ""];
      const typed = { uuid, kind, since, until, errors: {} };
      return renderForm(c, webhook, typed, rangeOf(typed));
    }
    const [hours] = presets.find(([preset]) => String(preset) === c.req.query("hours")) ?? [24];
    const since = utcText(Math.floor((Date.now() - hours * hourMs) / minuteMs) * minuteMs);
    const typed = { uuid, kind, since, until: "", errors: {} };
    return renderForm(c, webhook, typed, rangeOf(typed));
  });

  router.post("/webhooks/:uuid/replay", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const typed = readTyped(await readForm(c));
    const range = rangeOf(typed);
    if (range === null) return refuse(c, webhook, typed);

    const started = await startReplay(operationOf(c), webhook, {
      kind: typed.kind,
      ...range,
      id: typed.uuid,
    });
    switch (started.outcome) {
      case "started": {
        const path = replayPath(webhook, started.id);
        return started.isNew ? c.redirect(path, 303) : backTo(c, path, startedBefore);
      }
      case "tooEarly": {
        const earliest = timeText(Math.ceil(started.earliest / minuteMs) * minuteMs, 0);
        typed.errors.since = `Older deliveries are no longer kept: choose ${earliest} or later.`;
        return refuse(c, webhook, typed);
      }
      case "unknown":
        // The webhook was deleted a moment ago: this throws a 404.
        await webhookInPath(c);
        throw new Error("The lane is closed, but the webhook exists.");
    }
  });
}

const startedBefore: Outcome = {
  tone: "good",
  text: "This form already started the replay. To start another one, open the form again.",
};

function readTyped(form: FormData): Typed {
  const text = (name: string) => textOf(form, name).trim();
  const uuid = z.guid().safeParse(text("uuid")).data?.toLowerCase() ?? crypto.randomUUID();
  return { uuid, kind: kindOf(text("kind")), since: text("since"), until: text("until"), errors: {} };
}

/** @returns the times in ms; null when one is invalid. Adds the error to `typed.errors`. */
function rangeOf(typed: Typed): { since: number; until: number } | null {
  const since = parseUtc(typed.since) ?? Number.NaN;
  const until = typed.until === "" ? Date.now() : (parseUtc(typed.until) ?? Number.NaN);
  if (Number.isNaN(since)) typed.errors.since = "Enter a start, such as 2026-11-05T12:00.";
  if (Number.isNaN(until)) typed.errors.until = "Leave empty, or enter an end, such as 2026-11-05T12:00.";
  else if (until <= since) typed.errors.until = "The end must be after the start.";
  return Object.keys(typed.errors).length === 0 ? { since, until } : null;
}

function kindOf(text: string | undefined): Kind {
  return kinds.find(([kind]) => kind === text)?.[0] ?? "dead";
}

function refuse(c: Context<AppEnv>, webhook: Webhook, typed: Typed): Response | Promise<Response> {
  c.status(400);
  return renderForm(c, webhook, typed);
}

/** @param range the time range in which to count the deliveries of each kind; null when it is invalid. */
async function renderForm(
  c: Context<AppEnv>,
  webhook: Webhook,
  typed: Typed,
  range: { since: number; until: number } | null = null,
): Promise<Response> {
  const counts =
    range === null
      ? null
      : await answerOrNull(countReplays(c.env, webhook, range), { webhook: webhook.uuid });
  const path = webhookPath(webhook);
  return renderPage(
    c,
    { title: `Replay to ${nameOf(webhook)}`, user: c.var.caller, section: "/" },
    <section class="card form-card" aria-labelledby="replay-title">
      <Breadcrumbs links={{ "/": "Webhooks", [path]: nameOf(webhook) }} />
      <h1 id="replay-title">Replay</h1>
      <p>
        Live deliveries take priority over replays. Replayed requests have the header{" "}
        <code>X-Orchest-Replay</code>.
      </p>
      <form id="replay-form" class="stack" method="post" action={`${path}/replay`}>
        {/* Enter in a field presses the first submit button of the form. */}
        <button class="visually-hidden" type="submit" tabindex={-1} aria-hidden="true">
          Start replay
        </button>
        <input type="hidden" name="uuid" value={typed.uuid} />
        <fieldset>
          <legend>Replay</legend>
          {kinds.map(([kind, label, hint]) => (
            <label class="choice">
              <input type="radio" name="kind" value={kind} checked={kind === typed.kind} />
              <span>
                {label}
                {counts !== null && <Count count={counts[kind]} />}: <span class="muted">{hint}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <div class="row" role="group" aria-label="Time range presets">
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
        <FormButtons submit="Start replay" cancel={path}>
          <button class="button" type="submit" formmethod="get" formnovalidate name="count" value="yes">
            Update counts
          </button>
        </FormButtons>
      </form>
    </section>,
  );
}

/** How many deliveries a kind of replay would send; null: deliveries of that age are no longer kept. */
function Count({ count: counted }: { count: QueuedCount | null }) {
  if (counted === null) return <span class="muted"> (no longer kept)</span>;
  return (
    <strong>
      {" "}
      ({count(counted.queued)}
      {!counted.isExact && "+"})
    </strong>
  );
}
