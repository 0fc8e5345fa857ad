/** What is chosen most often of the events, with one click. */
import { jobFailureTypes } from "../job-failures/types";

/** The event types and wildcards that each pick ticks. */
export const eventPresets: Record<string, { label: string; types: readonly string[] }> = {
  "job-failures": { label: "A job run fails", types: jobFailureTypes },
  "image-failures": { label: "An image build fails", types: ["project:environment:image-build:failed"] },
  "webhook-trouble": { label: "A webhook is in trouble", types: ["webhook:**"] },
};

export function EventPresets() {
  return (
    <div class="row picks">
      <span class="muted small" id="picks-label">
        Often chosen:
      </span>
      {Object.entries(eventPresets).map(([name, { label }]) => (
        <button
          class="button quiet small"
          type="submit"
          name="pick"
          value={name}
          formnovalidate
          formaction="#events-title"
          data-in-place="groups preview"
          aria-describedby="picks-label"
        >
          {label}
        </button>
      ))}
    </div>
  );
}
