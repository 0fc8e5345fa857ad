/** A text or number field of the form, and the labels of all fields. */
import { optionsOf } from "../../../send/message/format-options";
import { formats } from "../../../send/message/formats";
import { TextField } from "../../parts/field";
import type { FormErrors } from "./form-errors";
import { optionField, type TextFieldName, type FormValues } from "./form-values";

const optionLabels = formats
  .flatMap((format) => (format === "auto" ? [] : optionsOf(format)))
  .map(({ name, label }) => [optionField(name), label] as const);

/** The labels of the form's fields, by name. */
export const fieldLabels: Record<string, string> = {
  url: "URL",
  name: "Name",
  format: "Format",
  template: "Template",
  content_type: "Content type",
  secret: "Secret",
  verify_ssl: "Certificate",
  ordering: "Ordering",
  max_attempts: "Max attempts",
  max_age_s: "Retry period",
  timeout_s: "Timeout",
  rate_limit_per_s: "Rate limit",
  digest_s: "Digest",
  egress: "Egress",
  headers: "Custom headers",
  ...Object.fromEntries(optionLabels),
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
