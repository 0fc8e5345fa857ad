/** `GET /dead/replay`: asks whether many dead letters are to be sent again. Without any it leads back to the list. */
import type { Context } from "hono";
import { countDead } from "../../webhooks/dead-letters";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { deadLetters, webhooks } from "../parts/quantities";
import { askLane } from "../parts/ask-lane";
import { FormFoot } from "../parts/form-foot";
import { backTo } from "../parts/outcome";
import { nameOf } from "../webhooks/names-and-paths";
import { findWebhookWithDeadLetters } from "./find-webhook";
import { webhooksPerGo } from "./paths";
import { nothingLeft } from "./replay";

/** What is asked for: `fields` are the form's. */
type Question = { total: number; title: string; fields: Record<string, string>; isInParts: boolean };

/** Adds the page to `router`. */
export function confirmReplay(router: Router): void {
  router.get("/dead/replay", signedIn("webhooks:write"), async (c) => {
    const webhookUuid = c.req.query("webhook")?.toLowerCase();
    const { total, title, fields, isInParts } =
      webhookUuid === undefined ? await aboutAll(c) : await aboutOne(c, webhookUuid);
    if (total === 0) return backTo(c, "/dead", nothingLeft);

    return renderPage(
      c,
      { title, user: c.var.caller, section: "/dead" },
      <section class="card narrow" aria-labelledby="confirm-title">
        <h1 id="confirm-title">{title}</h1>
        <p>
          The receivers get them under their old delivery UUIDs, oldest first, while live deliveries go before
          them. What does not arrive is tried again like any other delivery, and is a dead letter again in the
          end.
        </p>
        {isInParts && <p>The first {webhooksPerGo} webhooks come now, and the others when you go on.</p>}
        <form method="post" action="/dead/replay">
          {Object.entries(fields).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <FormFoot send="Send them again" name="confirmed" value="yes" cancel="/dead" />
        </form>
      </section>,
    );
  });
}

async function aboutAll(c: Context<AppEnv>): Promise<Question> {
  const totals = await countDead(c.env.DB);
  return {
    total: totals.letters,
    title: `Send ${deadLetters(totals.letters)} of ${webhooks(totals.webhooks)} again?`,
    fields: { all: "yes" },
    isInParts: totals.webhooks > webhooksPerGo,
  };
}

async function aboutOne(c: Context<AppEnv>, uuid: string): Promise<Question> {
  const webhook = await findWebhookWithDeadLetters(c, uuid);
  const known = await askLane(c.env, uuid, (lane) => lane.deadLetters({ limit: 1 }));
  const total = known?.count ?? webhook.dead_letters;
  return {
    total,
    title: `Send ${deadLetters(total)} of ${nameOf(webhook)} again?`,
    fields: { webhook: uuid },
    isInParts: false,
  };
}
