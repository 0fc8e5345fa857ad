/** The errors of the form as a list of links to the fields. */
import type { FormErrors } from "./form-errors";
import { fieldLabels } from "./form-field";

/** Lists all errors, and takes the focus, because the page starts at the top again after the form was submitted. */
export function ErrorSummary({ errors }: { errors: FormErrors }) {
  return (
    <div class="notice bad" id="form-errors" role="alert" tabindex={-1} autofocus>
      <strong>Nothing was saved. Your input is kept.</strong>
      <ErrorList errors={errors} />
    </div>
  );
}

/** A list of the errors, each with a link to its field. */
export function ErrorList({ errors }: { errors: FormErrors }) {
  if (errors.size === 0) return null;
  return (
    <ul>
      {[...errors].map(([field, sentence]) => (
        <li>
          {field === "" ? (
            sentence
          ) : (
            <a href={`#${field}`}>
              {fieldLabels[field] ?? "Events"}: {sentence}
            </a>
          )}
        </li>
      ))}
    </ul>
  );
}
