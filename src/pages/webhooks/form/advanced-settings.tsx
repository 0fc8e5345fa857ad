/** Advanced settings: retries, timeout, rate limit, digest and headers. */
import { described, Field } from "../../parts/field";
import type { FormErrors } from "./form-errors";
import { FormField } from "./form-field";
import type { FormValues } from "./form-values";

const advanced = [
  "max_attempts",
  "max_age_s",
  "timeout_s",
  "rate_limit_per_s",
  "digest_s",
  "headers",
] as const;

/** Open when a field has an error or a value. */
export function AdvancedSettings({ values, errors }: { values: FormValues; errors: FormErrors }) {
  const isOpen = advanced.some((name) => errors.has(name) || values.text[name] !== "");
  const shared = { values, errors, type: "number" };
  const headers = {
    name: "headers",
    hint: "One “Name: value” per line, sent with every delivery. Stored values are shown as ******** and kept unless the URL's scheme, host or port changes: then enter them again.",
    error: errors.get("headers"),
  };
  return (
    <details open={isOpen}>
      <summary>Advanced: retries, timeout, rate limit, digest, headers</summary>
      <div class="stack">
        <div class="grid">
          <FormField
            {...shared}
            name="max_attempts"
            inputmode="numeric"
            hint="1 to 100; then the delivery becomes a dead letter. Empty: limited by the retry period only."
          />
          <FormField
            {...shared}
            name="max_age_s"
            inputmode="numeric"
            hint="60 to 2592000 seconds (30 days). Empty: 259200 (3 days)."
          />
          <FormField
            {...shared}
            name="timeout_s"
            inputmode="numeric"
            hint="1 to 30 seconds for the receiver to respond. Empty: 5."
          />
          <FormField
            {...shared}
            name="rate_limit_per_s"
            inputmode="decimal"
            step="any"
            hint="0.1 to 1000 deliveries per second. Empty: no limit."
          />
          <FormField
            {...shared}
            name="digest_s"
            inputmode="numeric"
            hint="1 to 3600 seconds: one message for all events of that time, such as “12 runs failed in Sales”. Only for chat services, with strict ordering. Empty: one message per event."
          />
        </div>
        <Field {...headers} label="Custom headers">
          <textarea
            id="headers"
            name="headers"
            class="code"
            rows={3}
            spellcheck={false}
            {...described(headers)}
          >
            {values.text.headers}
          </textarea>
        </Field>
      </div>
    </details>
  );
}
