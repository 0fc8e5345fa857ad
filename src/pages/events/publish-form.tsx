/** The forms of the page that publishes: the type of the sample, and the event. */
import { orchestEventTypes } from "../../events/types";
import { CopyButton } from "../parts/copy-button";
import { described, Field } from "../parts/field";

/** `type`: of the sample. `errors`: what is wrong with a field, and what is allowed. */
export type PublishFields = { type: string; text: string; errors: { type?: string; text?: string } };

const typesByPrefix = Object.groupBy(orchestEventTypes, (type) => type.slice(0, type.lastIndexOf(":")));

/** Loads a sample of the selected type into the other form. */
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
          Use sample
        </button>
      </div>
    </form>
  );
}

/** @param props.mayPublish false makes the event read-only. */
export function PublishForm({ fields, mayPublish }: { fields: PublishFields; mayPublish: boolean }) {
  const { type, text, errors } = fields;
  const hint = mayPublish
    ? "JSON. Each event needs its own UUID. Subscriptions match on type, project.uuid and project.job.uuid."
    : "JSON, as for POST /api/events.";
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
        {mayPublish && <span class="muted small">This delivers to all subscribed webhooks.</span>}
      </div>
    </form>
  );
}

/** The height of the text area in lines: that of the text, from 8 to 30. */
function lines(text: string): number {
  return Math.min(Math.max(text.split("\n").length + 1, 8), 30);
}
