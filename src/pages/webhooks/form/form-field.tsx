/** A text or number field of the form, and the labels of all fields. */
import { TextField } from "../../parts/field";
import type { FormErrors } from "./form-errors";
import type { TextField as TextFieldName, FormValues } from "./form-values";

/** The labels of the form's fields, by name. */
export const fieldLabels: Record<string, string> = {
  url: "URL",
  name: "Name",
  content_type: "Content type",
  secret: "Secret",
  verify_ssl: "Certificate",
  ordering: "Ordering",
  max_attempts: "Max attempts",
  max_age_s: "Retry period",
  timeout_s: "Timeout",
  rate_limit_per_s: "Rate limit",
  headers: "Custom headers",
};

/** A text or number field with its value as typed. */
export function FormField({
  name,
  values,
  errors,
  ...field
}: {
  name: TextFieldName;
  values: FormValues;
  errors: FormErrors;
  hint: string;
  [attribute: string]: unknown;
}) {
  return (
    <TextField
      name={name}
      label={fieldLabels[name] ?? name}
      value={values.text[name]}
      error={errors.get(name)}
      autocomplete="off"
      {...field}
    />
  );
}
