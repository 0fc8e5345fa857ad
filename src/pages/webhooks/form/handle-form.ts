/** Handles the buttons of the form that creates or edits a webhook. */
import type { Context } from "hono";
import { mayReadTexts } from "../../../auth/scopes";
import { listKnownProjects } from "../../../events/known-projects";
import { RequestError } from "../../../platform/errors";
import type { AppEnv } from "../../../auth/app-env";
import { newSecret } from "../../../webhooks/create-webhook";
import type { WebhookPing } from "../../../webhooks/ping-webhook";
import { operationOf } from "../../../auth/operation";
import { checkRoute, parseTarget } from "../../../webhooks/webhook-target";
import type { Outcome } from "../../parts/outcome";
import { pingOutcome } from "../test-ping";
import { eventPresets } from "./event-presets";
import { formErrors, type FormErrors } from "./form-errors";
import { type FormState, type Purpose, renderForm } from "./form-page";
import { emptyGroup, readValues, textOf, selectTypes, type FormValues } from "./form-values";

/** The actions of the form's two main buttons. Both throw errors that `formErrors` can turn into field errors. */
export type Actions = {
  /** Stores the values. @returns the redirect. */
  save: (values: FormValues) => Promise<Response>;
  /** Sends a test ping with the values, without storing them. */
  ping: (values: FormValues) => Promise<WebhookPing>;
};

/** Shows the form with its initial values. */
export function showForm(c: Context<AppEnv>, purpose: Purpose, values: FormValues): Promise<Response> {
  return respond(c, purpose, { ...initialState, values, isUnsaved: false });
}

/** Runs the action of the pressed button, then shows the form again with all values unless they were saved. */
export async function handleForm(
  c: Context<AppEnv>,
  purpose: Purpose,
  form: FormData,
  { save, ping }: Actions,
): Promise<Response> {
  const values = readValues(form);
  const preset = eventPresets[textOf(form, "preset")];
  if (preset !== undefined)
    return respond(c, purpose, { ...initialState, values: selectTypes(values, preset.types) });

  switch (textOf(form, "intent")) {
    case "save":
      try {
        return await save(values);
      } catch (error) {
        const errors = await errorsIn(c, purpose, values, error);
        c.status(error instanceof RequestError ? error.status : 400);
        return respond(c, purpose, { ...initialState, values, errors });
      }
    case "test":
      return respond(c, purpose, { ...initialState, values, ...(await test(c, purpose, values, ping)) });
    case "new-secret":
      return respond(c, purpose, {
        ...initialState,
        values: { ...values, text: { ...values.text, secret: newSecret() } },
      });
    case "add-group": {
      const groups = [...values.groups, { ...emptyGroup(), limit: "project" as const }];
      return respond(c, purpose, {
        ...initialState,
        values: { ...values, groups },
        opened: groups.length - 1,
      });
    }
    // Requested by the script, which uses only the preview.
    case "preview":
      return renderForm(c, purpose, { ...initialState, values, known: [] });
    default:
      return respond(c, purpose, { ...initialState, values });
  }
}

const initialState = { errors: new Map<string, string>(), tested: null, isUnsaved: true };

async function test(
  c: Context<AppEnv>,
  purpose: Purpose,
  values: FormValues,
  ping: Actions["ping"],
): Promise<{ tested: Outcome; errors?: FormErrors }> {
  try {
    return { tested: await pingOutcome(c.var.caller, () => ping(values)) };
  } catch (error) {
    const errors = await errorsIn(c, purpose, values, error);
    return { tested: { tone: "bad", text: "The test ping was not sent." }, errors };
  }
}

/** The errors of a form, including its URL, which is otherwise checked only once the other fields are valid. */
async function errorsIn(
  c: Context<AppEnv>,
  { webhook }: Purpose,
  { text, groups, verifySsl }: FormValues,
  error: unknown,
): Promise<FormErrors> {
  const errors = formErrors(error, groups);
  if (errors.has("url") || (text.url === "" && webhook !== null)) return errors;
  try {
    const { config } = operationOf(c);
    const target = await parseTarget(text.url, config);
    checkRoute({ ...target, verifySsl, egress: text.egress || null }, config);
    return errors;
  } catch (urlError) {
    return new Map([...formErrors(urlError, groups), ...errors]);
  }
}

async function respond(c: Context<AppEnv>, purpose: Purpose, state: FormState): Promise<Response> {
  const known = await listKnownProjects(c.env.DB, { withNames: mayReadTexts(c.var.caller) });
  return renderForm(c, purpose, { ...state, known });
}
