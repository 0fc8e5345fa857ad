/** `POST /job-failures/undo`: undoes a turn of the switch, within an hour. */
import { type UndoResult, undoSwitchChange } from "../../../webhooks/job-failure-undo";
import { audit } from "../../../auth/audit";
import type { Router } from "../../../http/router";
import { subscriptionsMax } from "../../../webhooks/schemas";
import { signedIn } from "../../current-user";
import { webhooks } from "../../parts/quantities";
import { backTo, type Outcome } from "../../parts/outcome";
import { readForm } from "../../parts/read-form";
import { textOf } from "../form/form-values";
import { listPath } from "../names-and-paths";
import { jobFailuresAbout, atSubscriptionLimit, namesOf } from "./job-failure-types";

const nothingToUndo: Outcome = {
  tone: "warn",
  text: "Nothing was changed: it was already undone, or is more than an hour old.",
};

/** Adds the form to `router`. Its field `switch` is the uuid of the turn; `after`: where the list starts. */
export function undoJobFailures(router: Router): void {
  router.post("/job-failures/undo", signedIn("webhooks:write"), async (c) => {
    const form = await readForm(c);
    const limits = { now: Date.now(), max: subscriptionsMax };
    const undone = await undoSwitchChange(c.env, textOf(form, "switch"), limits);
    if (undone !== null) {
      await audit(c, { action: "job_failures.undone", detail: webhooks(undone.restored) });
    }
    const outcome = undone === null ? nothingToUndo : outcomeOf(undone);
    return backTo(c, listPath(form.get("after")), { ...outcome, about: jobFailuresAbout });
  });
}

function outcomeOf(undone: UndoResult): Outcome {
  const { resubscribed, full, gone } = undone;
  const left = [
    resubscribed.length > 0 && `${namesOf(resubscribed)} (subscribed again since)`,
    full.length > 0 && `${namesOf(full)} (${atSubscriptionLimit})`,
    gone > 0 && `${webhooks(gone)} (deleted since)`,
  ].filter((part) => part !== false);
  if (left.length === 0) return { tone: "good", text: restoredText(undone) };
  return { tone: "warn", text: `${restoredText(undone)} Not restored: ${left.join("; ")}.` };
}

function restoredText({ isOn, restored }: UndoResult): string {
  if (restored === 0) return "There was nothing left to undo.";
  if (isOn) return `Undone: unsubscribed ${webhooks(restored)}.`;
  return `Undone: resubscribed ${webhooks(restored)}.`;
}
