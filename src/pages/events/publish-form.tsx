/** The forms of the page that publishes: which type the sample is of, and the event's text. */
import { orchestEventTypes } from "../../events/types";
import { CopyButton } from "../parts/copy";
import { described, Field } from "../parts/field";

/** What is in the fields. `type`: of the sample. `errors`: what is wrong with them, and what is allowed. */
export type PublishFields = { type: string; text: string; errors: { type?: string; text?: string } };

const typesByPrefix = Object.groupBy(orchestEventTypes, (type) => type.slice(0, type.lastIndexOf(":")));

/** Fills the other form anew. */
export function TypeForm({ fields: { type, errors } }: { fields: PublishFields }) {
  const field = { name: "type", error: errors.type };
  return (
    <form class="card" method="get" action="/events/new" aria-label="Sample">
      <div class="filter-row">
        <Field {...field} label="Event type">
          <select id="type" name="type" {...described(field)}>
            {Object.entries(typesByPrefix).map(([prefix, types]) => (
              <optgroup label={prefix}>
                {types?.map((one) => (
                  <option value={one} selected={one === type}>
                    {one}
                  </option>
                ))}
              </optgroup>
            ))}
          </select>
        </Field>
        <button class="button" type="submit">
          Fill in a sample
        </button>
      </div>
    </form>
  );
}

/** @param props.mayPublish false leaves only the text to look at, and to copy. */
export function PublishForm({ fields, mayPublish }: { fields: PublishFields; mayPublish: boolean }) {
  const { type, text, errors } = fields;
  const hint = mayPublish
    ? "JSON. Change what you like. Each new event needs a UUID of its own; what webhooks hear of it is decided by its type, project.uuid and project.job.uuid."
    : "JSON, as it is sent to POST /api/events.";
  const field = { name: "event", hint, error: errors.text };
  return (
    <form class="card stack" method="post" action="/events/new" aria-label="Event">
      <input type="hidden" name="type" value={type} />
      <Field {...field} label="Event">
        <textarea
          id="event"
          name="event"
          class="code"
          rows={lines(text)}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          readonly={!mayPublish}
          required
          {...described(field)}
        >
          {text}
        </textarea>
      </Field>
      <div class="row">
        {mayPublish && (
          <button class="button primary" type="submit">
            Publish
          </button>
        )}
        <CopyButton of="event" what="the event" />
        {mayPublish && <span class="muted small">Webhooks that hear of it are really told.</span>}
      </div>
    </form>
  );
}

/** As high as the text, within reason. */
function lines(text: string): number {
  return Math.min(Math.max(text.split("\n").length + 1, 8), 30);
}
