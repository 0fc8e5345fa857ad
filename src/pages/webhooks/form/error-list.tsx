/** What is wrong with the form, all together: each sentence leads to its field. */
import type { FormErrors } from "./form-errors";
import { fieldLabels } from "./form-field";

/** Says all that is wrong, and takes the focus: whoever sent the form is at its beginning again. */
export function ErrorSummary({ errors }: { errors: FormErrors }) {
  return (
    <div class="notice bad" id="form-errors" role="alert" tabindex={-1} autofocus>
      <strong>Nothing was saved. What you typed is still here.</strong>
      <ErrorList errors={errors} />
    </div>
  );
}

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
