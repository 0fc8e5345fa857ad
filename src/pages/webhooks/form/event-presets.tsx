/** Buttons that select common event types with one click. */
import { jobFailureTypes } from "../job-failures/job-failure-types";

/** The event types and wildcards that each preset selects. */
export const eventPresets: Record<string, { label: string; types: readonly string[] }> = {
  "job-failures": { label: "Job run failures", types: jobFailureTypes },
  "image-failures": { label: "Image build failures", types: ["project:environment:image-build:failed"] },
  "webhook-trouble": { label: "Webhook problems", types: ["webhook:**"] },
};

/** The buttons. Each submits the form, which comes back with the types of the preset selected. */
export function EventPresets() {
  return (
    <div class="row presets">
      <span class="muted small" id="presets-label">
        Presets:
      </span>
      {Object.entries(eventPresets).map(([name, { label }]) => (
        <button
          class="button quiet small"
          type="submit"
          name="preset"
          value={name}
          formnovalidate
          formaction="#events-title"
          data-in-place="groups preview"
          aria-describedby="presets-label"
        >
          {label}
        </button>
      ))}
    </div>
  );
}
