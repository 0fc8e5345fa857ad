/** Form fields: a label, a control, a hint and an error, associated for screen readers. */
import type { Child, PropsWithChildren } from "hono/jsx";

/** `name`: of the control, also its id. `error`: a sentence that says what is wrong and what is allowed. */
type FieldProps = { name: string; label: string; hint?: Child; error?: string };

/** An input. Other props, such as `required` or `autocomplete`, are passed to it. */
export function TextField({
  label,
  hint,
  error,
  ...input
}: FieldProps & {
  value?: string;
  type?: "text" | "url" | "search" | "number" | "datetime-local";
  [attribute: string]: unknown;
}) {
  const { name } = input;
  return (
    <Field name={name} label={label} hint={hint} error={error}>
      <input id={name} {...described({ name, hint, error })} {...input} />
    </Field>
  );
}

/** A select. @param props.options value and label of each. */
export function SelectField({
  name,
  label,
  hint,
  error,
  value,
  options,
}: FieldProps & { value?: string; options: readonly (readonly [value: string, label: string])[] }) {
  return (
    <Field name={name} label={label} hint={hint} error={error}>
      <select id={name} name={name} {...described({ name, hint, error })}>
        {options.map(([option, text]) => (
          <option value={option} selected={option === value}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  );
}

/** Label, hint and error for another control, which needs `{...described(…)}` and `id={name}`. */
export function Field({ name, label, hint, error, children }: PropsWithChildren<FieldProps>) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {children}
      {hint && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="error" id={`${name}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/** The attributes that associate a control with its hint and error. */
export function described({ name, hint, error }: Pick<FieldProps, "name" | "hint" | "error">): {
  "aria-describedby"?: string;
  "aria-invalid"?: "true";
} {
  const ids = [hint && `${name}-hint`, error && `${name}-error`].filter((id) => typeof id === "string");
  return {
    ...(ids.length > 0 && { "aria-describedby": ids.join(" ") }),
    ...(error && { "aria-invalid": "true" }),
  };
}
