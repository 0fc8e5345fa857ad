/** Turns the errors of the API's schemas and rules into errors by form field. */
import { z } from "zod";
import { FieldError, RequestError } from "../../../platform/errors";
import { type Group, optionField, subscriptionsOf } from "./form-values";

/** A sentence by the field's name in the form; `""` for an error that belongs to no single field. Not empty. */
export type FormErrors = ReadonlyMap<string, string>;

/**
 * @param groups of the form. Errors contain the index of a subscription in the list that `subscriptionsOf` makes from
 *   them. @returns a sentence for each field with an error.
 * @throws errors that the user cannot fix.
 */
export function formErrors(error: unknown, groups: readonly Group[]): FormErrors {
  if (error instanceof z.ZodError) {
    const found = error.issues.map(({ path, message }) => fromIssue(path, message, groups));
    // Only the first error of each field is kept, because the others often follow from it.
    return new Map(found.filter(([field], place) => found.findIndex(([other]) => other === field) === place));
  }
  if (error instanceof FieldError) {
    const [field = "", place] = error.field.split(/[.[\]]+/);
    if (field === "format_options") return new Map([[optionField(place ?? ""), sentence(error.rule)]]);
    const subscription = field === "subscriptions" ? subscriptionsOf(groups)[Number(place)] : undefined;
    return new Map([
      subscription === undefined
        ? [field, sentence(error.rule)]
        : [groupField(subscription.group), sentence(`“${subscription.event_type}”: ${error.rule}`)],
    ]);
  }
  if (error instanceof RequestError) return new Map([["", error.message]]);
  throw error;
}

/** The name of a group of events in errors, also its id. */
export function groupField(index: number): string {
  return `group-${index}`;
}

/** @param path `["retry", "max_attempts"]`, `["subscriptions", 2, "project_uuid"]` */
function fromIssue(
  path: readonly PropertyKey[],
  rule: string,
  groups: readonly Group[],
): [field: string, sentence: string] {
  const [field = "", inside = "", filter = ""] = path.map(String);
  switch (field) {
    case "retry":
      return [inside, sentence(rule)];
    case "format_options":
      return [inside === "" ? "format" : optionField(inside), sentence(rule)];
    case "headers":
      return [field, sentence(inside === "" ? rule : `“${inside}”: ${rule}`)];
    case "subscriptions": {
      const subscription = subscriptionsOf(groups)[Number(inside || NaN)];
      if (subscription === undefined) return ["", sentence(`events: ${rule}`)];
      return [groupField(subscription.group), sentence(`${filterLabels[filter] ?? "events"}: ${rule}`)];
    }
    default:
      return [field, sentence(rule)];
  }
}

const filterLabels: Record<string, string> = { project_uuid: "project", job_uuid: "job" };

/** Removes the hint to `null`, which the API allows but a form cannot send. */
function sentence(rule: string): string {
  const text = rule.replace(" or null", "");
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
