/** What the form for a new webhook and the one for a stored webhook have in common: what its buttons do. */
import type { Context } from "hono";
import { mayReadTexts } from "../../../auth/scopes";
import { listKnownProjects } from "../../../events/known-projects";
import { RequestError } from "../../../platform/errors";
import type { PingResult } from "../../../send/ping";
import type { AppEnv } from "../../../auth/app-env";
import { newSecret } from "../../../webhooks/create-webhook";
import { operationOf } from "../../../auth/operation";
import { parseTarget } from "../../../webhooks/webhook-target";
import type { Outcome } from "../../parts/outcome";
import { pingOutcome } from "../test-ping";
import { eventPresets } from "./event-presets";
import { formErrors, type FormErrors } from "./form-errors";
import { type FormState, type Purpose, renderForm } from "./form-page";
import { emptyGroup, readValues, textOf, check, type FormValues } from "./form-values";

/** What the form's two main buttons do. Both throw what `formErrors` explains. */
export type Actions = {
  /** @returns where it leads, once what was typed is stored. */
  save: (typed: FormValues) => Promise<Response>;
  ping: (typed: FormValues) => Promise<PingResult>;
};

/** Shows the form as it begins. */
export function showBlankForm(c: Context<AppEnv>, purpose: Purpose, typed: FormValues): Promise<Response> {
  return answer(c, purpose, { ...calm, typed, isUnsaved: false });
}

/** Does what the form was sent for, and shows it again with all that was typed, unless that was saved. */
export async function handleForm(
  c: Context<AppEnv>,
  purpose: Purpose,
  form: FormData,
  { save, ping }: Actions,
): Promise<Response> {
  const typed = readValues(form);
  const pick = eventPresets[textOf(form, "pick")];
  if (pick !== undefined) return answer(c, purpose, { ...calm, typed: check(typed, pick.types) });

  switch (textOf(form, "intent")) {
    case "save":
      try {
        return await save(typed);
      } catch (error) {
        const errors = await explain(c, purpose, typed, error);
        c.status(error instanceof RequestError ? error.status : 400);
        return answer(c, purpose, { ...calm, typed, errors });
      }
    case "test":
      return answer(c, purpose, { ...calm, typed, ...(await test(c, purpose, typed, ping)) });
    case "new-secret":
      return answer(c, purpose, {
        ...calm,
        typed: { ...typed, text: { ...typed.text, secret: newSecret() } },
      });
    case "add-group": {
      const groups = [...typed.groups, { ...emptyGroup(), limit: "project" as const }];
      return answer(c, purpose, { ...calm, typed: { ...typed, groups }, opened: groups.length - 1 });
    }
    // What the script asks for, and takes only the preview of.
    case "preview":
      return renderForm(c, purpose, { ...calm, typed, known: [] });
    default:
      return answer(c, purpose, { ...calm, typed });
  }
}

const calm = { errors: new Map<string, string>(), tested: null, isUnsaved: true };

async function test(
  c: Context<AppEnv>,
  purpose: Purpose,
  typed: FormValues,
  ping: Actions["ping"],
): Promise<{ tested: Outcome; errors?: FormErrors }> {
  try {
    return { tested: await pingOutcome(c.var.caller, () => ping(typed)) };
  } catch (error) {
    const errors = await explain(c, purpose, typed, error);
    return { tested: { tone: "bad", text: "Nothing was sent." }, errors };
  }
}

/** What is wrong with a form; of its URL, too, which is looked at only after all else is right. */
async function explain(
  c: Context<AppEnv>,
  { webhook }: Purpose,
  { text, groups }: FormValues,
  error: unknown,
): Promise<FormErrors> {
  const errors = formErrors(error, groups);
  if (errors.has("url") || (text.url === "" && webhook !== null)) return errors;
  try {
    await parseTarget(text.url, operationOf(c).config);
    return errors;
  } catch (refused) {
    return new Map([...formErrors(refused, groups), ...errors]);
  }
}

async function answer(c: Context<AppEnv>, purpose: Purpose, state: FormState): Promise<Response> {
  const known = await listKnownProjects(c.env.DB, { withNames: mayReadTexts(c.var.caller) });
  return renderForm(c, purpose, { ...state, known });
}
