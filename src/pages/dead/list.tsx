/** `GET /dead`: dead letters of all webhooks, or of one. */
import type { Context } from "hono";
import { allows, mayReadTexts } from "../../auth/scopes";
import { readConfig } from "../../platform/config";
import { countDeadLetters, listWithDeadLetters } from "../../webhooks/dead-letters";
import { cursorParamSchema } from "../../http/list-params";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { deadLettersText, webhooks } from "../parts/quantities";
import { askLane } from "../parts/ask-lane";
import { count } from "../parts/format-numbers";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { Pager } from "../parts/pager";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { nameOf } from "../webhooks/names-and-paths";
import { type DeadOfWebhook, WebhookDeadLetters } from "./webhook-dead-letters";
import { findWebhookWithDeadLetters } from "./find-webhook";
import { confirmPath, deadPathOf } from "./paths";

/** Webhooks per page, and dead letters of each webhook. Each webhook needs a call to its lane. */
const webhooksShown = 10;
const shownPerWebhook = 10;
/** Dead letters per page of one webhook. */
const shownOfOneWebhook = 50;

/** What a page shows, and where the next one starts. `one`: the webhook of a page for one webhook. */
type View = {
  found: DeadOfWebhook[];
  next: number | null;
  totals: { webhooks: number; deadLetters: number };
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
    listWithDeadLetters(c.env.DB, { limit: webhooksShown, after }),
    countDeadLetters(c.env.DB),
  ]);
  const page = { limit: shownPerWebhook, withTitles: mayReadTexts(c.var.caller) };
  const asked = await Promise.all(
    rows.map(async (webhook) => {
      return { webhook, deadLetters: await askLane(c.env, webhook.uuid, (lane) => lane.deadLetters(page)) };
    }),
  );
  // The count in D1 may lag behind the lane's.
  return { found: asked.filter(({ deadLetters }) => deadLetters?.count !== 0), next, totals, one: null };
}

async function viewOne(c: Context<AppEnv>, uuid: string, before?: number): Promise<View> {
  const webhook = await findWebhookWithDeadLetters(c, uuid);
  const page = { limit: shownOfOneWebhook, before, withTitles: mayReadTexts(c.var.caller) };
  const deadLetters = await askLane(c.env, uuid, (lane) => lane.deadLetters(page));
  const one = { webhook, deadLetters };
  const found = deadLetters?.count === 0 ? [] : [one];
  return { found, next: null, totals: { webhooks: 1, deadLetters: deadLetters?.count ?? 0 }, one };
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
          {one === null && `${deadLettersText(totals.deadLetters)} of ${webhooks(totals.webhooks)}. `}
          Live deliveries take priority over replays.
        </p>
        <div class="row">
          <button class="button" type="submit">
            Replay selected
          </button>
          {one === null && totals.webhooks > 1 && (
            <a class="button" href={confirmPath({ all: "yes" })}>
              Replay all {count(totals.deadLetters)}
            </a>
          )}
        </div>
      </div>
      {sections}
    </form>
  );
}

function NoDeadLetters({ days, isLater }: { days: number; isLater: boolean }) {
  if (isLater) return <p class="empty">No more dead letters.</p>;
  return (
    <section class="card empty" aria-labelledby="none-title">
      <h2 id="none-title">No dead letters</h2>
      <p class="measure">
        A failed delivery is retried for 3 days by default. If it still fails, or someone gives it up, it
        becomes a dead letter. Dead letters are kept for {count(days)} days and can be replayed.
      </p>
    </section>
  );
}
