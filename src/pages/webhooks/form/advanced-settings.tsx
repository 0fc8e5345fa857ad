/** The settings of the receiver that most leave alone: retries, time-out, rate and headers. */
import { described, Field } from "../../parts/field";
import type { FormErrors } from "./form-errors";
import { FormField } from "./form-field";
import type { FormValues } from "./form-values";

const more = ["max_attempts", "max_age_s", "timeout_s", "rate_limit_per_s", "headers"] as const;

/** Open where something is wrong or set in it. */
export function AdvancedSettings({ typed, errors }: { typed: FormValues; errors: FormErrors }) {
  const isOpen = more.some((name) => errors.has(name) || typed.text[name] !== "");
  const shared = { typed, errors, type: "number" };
  const headers = {
    name: "headers",
    hint: "Lines of “Name: value”, sent with every delivery. Stored values are shown as ********. They stay unless the URL gets another scheme, host or port: then type them again.",
    error: errors.get("headers"),
  };
  return (
    <details open={isOpen}>
      <summary>More: retries, time-out, rate, headers</summary>
      <div class="stack">
        <div class="grid">
          <FormField
            {...shared}
            name="max_attempts"
            inputmode="numeric"
            hint="1 to 100, then a delivery is a dead letter. Empty: as many as fit the time."
          />
          <FormField
            {...shared}
            name="max_age_s"
            inputmode="numeric"
            hint="In seconds, 60 to 2592000 (30 days). Empty: 259200, 3 days."
          />
          <FormField
            {...shared}
            name="timeout_s"
            inputmode="numeric"
            hint="How long the receiver may take: 1 to 30 seconds. Empty: 5."
          />
          <FormField
            {...shared}
            name="rate_limit_per_s"
            inputmode="decimal"
            step="any"
            hint="Deliveries a second, 0.1 to 1000. Empty: no limit."
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
            {typed.text.headers}
          </textarea>
        </Field>
      </div>
    </details>
  );
}
