/** A line of the form, and what its fields are called. */
import { TextField } from "../../parts/field";
import type { FormErrors } from "./form-errors";
import type { TextField as TextFieldName, FormValues } from "./form-values";

/** What the form's fields are called, by their names. */
export const fieldLabels: Record<string, string> = {
  url: "URL",
  name: "Name",
  content_type: "Content type",
  secret: "Secret",
  verify_ssl: "Certificate",
  ordering: "Order",
  max_attempts: "Attempts at most",
  max_age_s: "Give up after",
  timeout_s: "Time-out",
  rate_limit_per_s: "Rate limit",
  headers: "Custom headers",
};

/** A line of text or a number, as it was typed. */
export function FormField({
  name,
  typed,
  errors,
  ...field
}: {
  name: TextFieldName;
  typed: FormValues;
  errors: FormErrors;
  hint: string;
  [attribute: string]: unknown;
}) {
  return (
    <TextField
      name={name}
      label={fieldLabels[name] ?? name}
      value={typed.text[name]}
      error={errors.get(name)}
      autocomplete="off"
      {...field}
    />
  );
}
