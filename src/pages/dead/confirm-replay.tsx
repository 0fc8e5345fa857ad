/** `GET /dead/replay`: asks to confirm a replay of many dead letters. Redirects to the list when there are none. */
import type { Context } from "hono";
import { countDeadLetters } from "../../webhooks/dead-letters";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { deadLettersText, webhooks } from "../parts/quantities";
import { askLane } from "../parts/ask-lane";
import { FormButtons } from "../parts/form-buttons";
import { backTo } from "../parts/outcome";
import { nameOf } from "../webhooks/names-and-paths";
import { findWebhookWithDeadLetters } from "./find-webhook";
import { webhooksPerForm } from "./paths";
import { nothingLeft } from "./replay";

/** The replay to confirm. `fields`: of the form. `isInParts`: whether it takes several forms. */
type ReplayToConfirm = { total: number; title: string; fields: Record<string, string>; isInParts: boolean };

/** Adds the page to `router`. */
export function confirmReplay(router: Router): void {
  router.get("/dead/replay", signedIn("webhooks:write"), async (c) => {
    const webhookUuid = c.req.query("webhook")?.toLowerCase();
    const { total, title, fields, isInParts } =
      webhookUuid === undefined ? await replayOfAll(c) : await replayOfOne(c, webhookUuid);
    if (total === 0) return backTo(c, "/dead", nothingLeft);

    return renderPage(
      c,
      { title, user: c.var.caller, section: "/dead" },
      <section class="card narrow" aria-labelledby="confirm-title">
        <h1 id="confirm-title">{title}</h1>
        <p>
          They are resent oldest first, with their original delivery UUIDs. Live deliveries take priority.
          Failed ones are retried like any delivery, and may become dead letters again.
        </p>
        {isInParts && (
          <p>This replays the first {webhooksPerForm} webhooks. You can then continue with the others.</p>
        )}
        <form method="post" action="/dead/replay">
          {Object.entries(fields).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <FormButtons submit="Replay" name="confirmed" value="yes" cancel="/dead" />
        </form>
      </section>,
    );
  });
}

async function replayOfAll(c: Context<AppEnv>): Promise<ReplayToConfirm> {
  const totals = await countDeadLetters(c.env.DB);
  return {
    total: totals.deadLetters,
    title: `Replay ${deadLettersText(totals.deadLetters)} of ${webhooks(totals.webhooks)}?`,
    fields: { all: "yes" },
    isInParts: totals.webhooks > webhooksPerForm,
  };
}

async function replayOfOne(c: Context<AppEnv>, uuid: string): Promise<ReplayToConfirm> {
  const webhook = await findWebhookWithDeadLetters(c, uuid);
  const known = await askLane(c.env, uuid, (lane) => lane.deadLetters({ limit: 1 }));
  const total = known?.count ?? webhook.dead_letters;
  return {
    total,
    title: `Replay ${deadLettersText(total)} of ${nameOf(webhook)}?`,
    fields: { webhook: uuid },
    isInParts: false,
  };
}
