/** `POST /dead/replay`: replays dead letters: one, the selected ones, all of a webhook, or all. */
import type { Context } from "hono";
import { listByUuids, listWithDeadLetters, type WebhookWithDeadLetters } from "../../webhooks/dead-letters";
import { RequestError } from "../../platform/errors";
import { forEachConcurrent } from "../../platform/concurrency";
import { audit } from "../../auth/audit";
import { cursorParamSchema } from "../../http/list-params";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { webhooks } from "../parts/quantities";
import { askLane } from "../parts/ask-lane";
import { backTo, type Outcome } from "../parts/outcome";
import { readForm } from "../parts/read-form";
import { unconfirmedMax } from "./webhook-dead-letters";
import { findWebhookWithDeadLetters } from "./find-webhook";
import { confirmPath, type NamedReplay, progressPath, readDeadLetter, webhooksPerForm } from "./paths";

const lanesAtOnce = 10;

/** The dead letters of a webhook to replay: those with these sequence numbers; all when `sequences` is absent. */
type SelectedDeadLetters = { webhook: WebhookWithDeadLetters; sequences?: number[] };

/** Adds the form to `router`. */
export function replayDead(router: Router): void {
  router.post("/dead/replay", signedIn("webhooks:write"), async (c) => {
    const form = await readForm(c);
    const isConfirmed = form.get("confirmed") === "yes";
    const webhookUuid = form.get("webhook");
    if (form.has("one")) return startReplays(c, await selectedIn(c, form.getAll("one")));
    if (typeof webhookUuid === "string") return replayWebhook(c, webhookUuid.toLowerCase(), isConfirmed);
    if (form.has("all")) return replayAll(c, form.get("after"), isConfirmed);
    if (form.has("letter")) return startReplays(c, await selectedIn(c, form.getAll("letter")));
    return backTo(c, "/dead", { tone: "warn", text: "Nothing was replayed: no dead letter was selected." });
  });
}

async function replayWebhook(c: Context<AppEnv>, uuid: string, isConfirmed: boolean): Promise<Response> {
  const webhook = await findWebhookWithDeadLetters(c, uuid);
  if (!isConfirmed) {
    const known = await askLane(c.env, uuid, (lane) => lane.deadLetters({ limit: 1 }));
    if (known === null || known.count > unconfirmedMax)
      return c.redirect(confirmPath({ webhook: uuid }), 303);
  }
  return startReplays(c, [{ webhook }]);
}

async function replayAll(c: Context<AppEnv>, after: unknown, isConfirmed: boolean): Promise<Response> {
  if (!isConfirmed) return c.redirect(confirmPath({ all: "yes" }), 303);
  const page = { limit: webhooksPerForm, after: cursorParamSchema.safeParse(after).data };
  const { rows, next } = await listWithDeadLetters(c.env.DB, page);
  return startReplays(
    c,
    rows.map((webhook) => ({ webhook })),
    next,
  );
}

/** @returns the dead letters selected in a form, by webhook. @throws {RequestError} 400 for an invalid value. */
async function selectedIn(c: Context<AppEnv>, values: (string | File)[]): Promise<SelectedDeadLetters[]> {
  const sequences = new Map<string, number[]>();
  for (const value of values) {
    const letter = typeof value === "string" ? readDeadLetter(value) : null;
    if (letter === null)
      throw new RequestError(400, "A dead letter must be a webhook's UUID, a colon and a number.");
    sequences.set(letter.webhook, [...(sequences.get(letter.webhook) ?? []), letter.sequence]);
  }
  if (sequences.size > webhooksPerForm) {
    throw new RequestError(
      400,
      `Dead letters of at most ${webhooksPerForm} webhooks can be replayed at once.`,
    );
  }
  const known = await listByUuids(c.env.DB, [...sequences.keys()]);
  return known.map((webhook) => ({ webhook, sequences: sequences.get(webhook.uuid) }));
}

/**
 * Starts a replay for each webhook, and redirects to the progress page. @param next the id after which there are more
 * webhooks.
 */
async function startReplays(
  c: Context<AppEnv>,
  wanted: SelectedDeadLetters[],
  next: number | null = null,
): Promise<Response> {
  const started = new Map<string, string>();
  let unreached = 0;
  await forEachConcurrent(lanesAtOnce, wanted, async ({ webhook: { uuid }, sequences }) => {
    // `replay` is null for a lane without dead letters; `answer` is null for one that does not respond.
    const answer = await askLane(c.env, uuid, async (lane) => ({ replay: await lane.replayDead(sequences) }));
    if (answer === null) unreached += 1;
    if (!answer?.replay) return;
    started.set(uuid, answer.replay.id);
    await audit(c, { action: "replay.started", target: uuid, detail: answer.replay.id });
  });
  const replays = wanted.flatMap(({ webhook: { uuid } }): NamedReplay[] => {
    const replay = started.get(uuid);
    return replay === undefined ? [] : [{ webhook: uuid, replay }];
  });
  const trouble = unreached > 0 ? notReached(unreached) : null;
  if (replays.length === 0 && next === null) return backTo(c, "/dead", trouble ?? nothingLeft);
  const path = progressPath(replays, next);
  return trouble === null ? c.redirect(path, 303) : backTo(c, path, trouble);
}

/** The outcome when there is no dead letter left. */
export const nothingLeft: Outcome = {
  tone: "warn",
  text: "Nothing to replay: they have been delivered since, or are no longer kept.",
};

function notReached(unreached: number): Outcome {
  const text = `${webhooks(unreached)} could not be reached: try again. No data is lost.`;
  return { tone: "bad", text };
}
