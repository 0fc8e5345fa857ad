/** `GET /dead`: dead letters of all webhooks, or of one. */
import type { Context } from "hono";
import { allows } from "../../auth/scopes";
import { readConfig } from "../../platform/config";
import { countDead, listWithDead } from "../../webhooks/dead-letters";
import { cursorParamSchema } from "../../http/list-params";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { deadLetters, webhooks } from "../parts/quantities";
import { askLane } from "../parts/ask-lane";
import { count } from "../parts/format-numbers";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { Pager } from "../parts/pager";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { nameOf } from "../webhooks/names-and-paths";
import { type DeadOfWebhook, WebhookDeadLetters } from "./webhook-dead-letters";
import { findWebhookWithDeadLetters } from "./find-webhook";
import { confirmPath, deadPathOf } from "./paths";

/** Webhooks to a view, and letters of each: each webhook costs a call of its lane. */
const webhooksShown = 10;
const shownPerWebhook = 10;
/** Dead letters to a view of one webhook. */
const shownOfOneWebhook = 50;

/** What a view shows, and where the next one begins. `one`: the only webhook that it is about. */
type View = {
  found: DeadOfWebhook[];
  next: number | null;
  totals: { webhooks: number; letters: number };
  one: DeadOfWebhook | null;
};

/** Adds the page to `router`. */
export function deadLettersPage(router: Router): void {
  router.get("/dead", signedIn("webhooks:read"), async (c) => {
    const webhookUuid = c.req.query("webhook")?.toLowerCase();
    const after = cursorParamSchema.safeParse(c.req.query("after")).data ?? 0;
    const before = cursorParamSchema.safeParse(c.req.query("cursor")).data;
    const view = webhookUuid === undefined ? await viewAll(c, after) : await viewOne(c, webhookUuid, before);
    const title = view.one === null ? "Dead letters" : `Dead letters of ${nameOf(view.one.webhook)}`;
    const mayWrite = allows(c.var.caller.scopes, "webhooks:write");
    const isLater = after > 0 || before !== undefined;

    return renderPage(
      c,
      { title, user: c.var.caller, section: "/dead" },
      <>
        <div class="page-header">
          <div>
            {view.one && <Breadcrumbs links={{ "/dead": "Dead letters" }} />}
            <h1>{title}</h1>
          </div>
        </div>
        <OutcomeNotice outcome={takeOutcome(c)} />
        {view.found.length === 0 && view.next === null ? (
          <NoDeadLetters days={readConfig(c.env).deadLetterDays} isLater={after > 0} />
        ) : (
          <Found view={view} mayWrite={mayWrite} />
        )}
        <Pager
          label="Pages"
          links={[
            isLater &&
              (view.one === null ? ["/dead", "First page"] : [deadPathOf(view.one.webhook.uuid), "Newest"]),
            view.next !== null && [`/dead?after=${view.next}`, "Next page"],
          ]}
        />
      </>,
    );
  });
}

async function viewAll(c: Context<AppEnv>, after: number): Promise<View> {
  const [{ rows, next }, totals] = await Promise.all([
    listWithDead(c.env.DB, { limit: webhooksShown, after }),
    countDead(c.env.DB),
  ]);
  const asked = await Promise.all(
    rows.map(async (webhook) => {
      const page = { limit: shownPerWebhook };
      return { webhook, deadLetters: await askLane(c.env, webhook.uuid, (lane) => lane.deadLetters(page)) };
    }),
  );
  // What D1 says may be older than what the lane knows.
  return { found: asked.filter(({ deadLetters }) => deadLetters?.count !== 0), next, totals, one: null };
}

async function viewOne(c: Context<AppEnv>, uuid: string, before?: number): Promise<View> {
  const webhook = await findWebhookWithDeadLetters(c, uuid);
  const page = { limit: shownOfOneWebhook, before };
  const deadLetters = await askLane(c.env, uuid, (lane) => lane.deadLetters(page));
  const one = { webhook, deadLetters };
  const found = deadLetters?.count === 0 ? [] : [one];
  return { found, next: null, totals: { webhooks: 1, letters: deadLetters?.count ?? 0 }, one };
}

function Found({ view: { found, totals, one }, mayWrite }: { view: View; mayWrite: boolean }) {
  const sections = found.map((dead) => (
    <WebhookDeadLetters {...dead} mayWrite={mayWrite} isAlone={one !== null} />
  ));
  if (!mayWrite) return <>{sections}</>;
  return (
    <form method="post" action="/dead/replay">
      <div class="row spread tools">
        <p class="muted flush">
          {one === null && `${deadLetters(totals.letters)} of ${webhooks(totals.webhooks)}. `}
          Live deliveries go first when some are sent again.
        </p>
        <div class="row">
          <button class="button" type="submit">
            Send the ticked ones again
          </button>
          {one === null && totals.webhooks > 0 && (
            <a class="button" href={confirmPath({ all: "yes" })}>
              Send all {count(totals.letters)} again
            </a>
          )}
        </div>
      </div>
      {sections}
    </form>
  );
}

function NoDeadLetters({ days, isLater }: { days: number; isLater: boolean }) {
  if (isLater) return <p class="empty">There are no more dead letters.</p>;
  return (
    <section class="card empty" aria-labelledby="none-title">
      <h2 id="none-title">Nothing was given up</h2>
      <p class="measure">
        A delivery that fails is tried again, for days by default. Only one that still did not arrive then, or
        that somebody gave up, becomes a dead letter. It is kept here for {count(days)} days, with the reason,
        and can be sent again.
      </p>
    </section>
  );
}
