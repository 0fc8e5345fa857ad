/** `GET` and `POST /webhooks/{uuid}/replay`: sends again what was accepted in a time, and leads to the progress. */
import type { Context } from "hono";
import type { Webhook } from "../../db/webhooks";
import type { ReplayRequest } from "../../delivery/webhook-lane";
import { beginReplay } from "../../http/replays/begin-replay";
import type { AppEnv, Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { TextField } from "../parts/field";
import { FormFoot } from "../parts/form-foot";
import { readable } from "../parts/time";
import { Trail } from "../parts/trail";
import { parseUtc, utcText } from "../parts/utc-time";
import { webhookInPath } from "./in-path";
import { nameOf, pathOf } from "./names";
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

/** What is in the form, and what is wrong with it. */
type Typed = { kind: Kind; since: string; until: string; errors: { since?: string; until?: string } };

/** Adds the page and its form to `router`. */
export function replayPage(router: Router): void {
  router.get("/webhooks/:uuid/replay", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const [hours] = presets.find(([preset]) => String(preset) === c.req.query("hours")) ?? [24];
    const since = utcText(Math.floor((Date.now() - hours * hourMs) / minuteMs) * minuteMs);
    return renderForm(c, webhook, { kind: kindOf(c.req.query("kind")), since, until: "", errors: {} });
  });

  router.post("/webhooks/:uuid/replay", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const typed = readTyped(await c.req.parseBody());
    const since = parseUtc(typed.since) ?? Number.NaN;
    const until = typed.until === "" ? Date.now() : (parseUtc(typed.until) ?? Number.NaN);
    if (Number.isNaN(since)) typed.errors.since = "Say from when on, as in 2026-11-05T12:00.";
    if (Number.isNaN(until))
      typed.errors.until = "Leave it empty, or say until when, as in 2026-11-05T12:00.";
    else if (until <= since) typed.errors.until = "The end must be later than the beginning.";
    if (Object.keys(typed.errors).length > 0) return refuse(c, webhook, typed);

    const started = await beginReplay(c, webhook, { kind: typed.kind, since, until });
    switch (started.outcome) {
      case "started":
        return c.redirect(replayPath(webhook, started.id), 303);
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

function readTyped(body: Record<string, unknown>): Typed {
  const text = (name: string) => (typeof body[name] === "string" ? body[name].trim() : "");
  return { kind: kindOf(text("kind")), since: text("since"), until: text("until"), errors: {} };
}

function kindOf(text: string | undefined): Kind {
  return kinds.find(([kind]) => kind === text)?.[0] ?? "dead";
}

function refuse(c: Context<AppEnv>, webhook: Webhook, typed: Typed): Response | Promise<Response> {
  c.status(400);
  return renderForm(c, webhook, typed);
}

function renderForm(c: Context<AppEnv>, webhook: Webhook, typed: Typed): Response | Promise<Response> {
  const path = pathOf(webhook);
  return renderPage(
    c,
    { title: `Send again to ${nameOf(webhook)}`, user: c.var.caller, section: "/" },
    <section class="card form-card" aria-labelledby="replay-title">
      <Trail links={{ "/": "Webhooks", [path]: nameOf(webhook) }} />
      <h1 id="replay-title">Send again</h1>
      <p>
        What is sent again does not hold up what comes in: it goes when nothing else waits, and one in ten
        otherwise. It carries the header <code>X-Orchest-Replay</code>.
      </p>
      <form class="stack" method="post" action={`${path}/replay`}>
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
        <nav class="row" aria-label="Times to choose from">
          {presets.map(([hours, label]) => (
            <a class="button small quiet" href={`${path}/replay?hours=${hours}`}>
              {label}
            </a>
          ))}
        </nav>
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
