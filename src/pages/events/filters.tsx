/** The archive's filters: reads them from the query, and shows the form. */
import { z } from "zod";
import type { ArchiveFilters } from "../../events/archived-event";
import { similarTypes } from "../../events/similar-types";
import { subscribableEventTypes } from "../../events/types";
import { TimeRangeFields } from "../parts/time-range-fields";
import { TextField } from "../parts/field";
import { parseUtc } from "../parts/utc-time";
import { timeError, quoted, endError } from "../parts/filter-errors";
import { archivePath } from "./paths";

const names = ["type", "project", "job", "since", "until"] as const;

type FilterName = (typeof names)[number];

/** The filters as typed. */
type TypedFilters = Record<FilterName, string>;

/** `query`: the valid filters. `errors`: what is wrong with a filter, and what is allowed. */
export type Filters = {
  typed: TypedFilters;
  query: ArchiveFilters;
  errors: Partial<Record<FilterName, string>>;
};

/** Reads the filters of a query. */
export function readFilters(given: (name: string) => string | undefined): Filters {
  const typed = Object.fromEntries(names.map((name) => [name, given(name)?.trim() ?? ""])) as TypedFilters;
  const errors: Filters["errors"] = {};
  const read = <Value,>(
    name: FilterName,
    parse: (text: string) => Value | null,
    errorFor: (text: string) => string,
  ): Value | undefined => {
    const text = typed[name];
    const value = text === "" ? undefined : parse(text);
    if (value === null) errors[name] = errorFor(text);
    return value ?? undefined;
  };
  const query = {
    type: read("type", parseType, unknownTypeError),
    projectUuid: read("project", parseUuid, (text) => `${quoted(text)} is not a UUID.`),
    jobUuid: read("job", parseUuid, (text) => `${quoted(text)} is not a UUID.`),
    since: read("since", parseUtc, timeError),
    until: read("until", parseUtc, timeError),
  };
  const end = endError(query.since, query.until);
  if (end !== undefined) errors.until = end;
  return { typed, query, errors };
}

/** Whether any filter is set. */
export function isFiltered({ typed }: Filters): boolean {
  return names.some((name) => typed[name] !== "");
}

/** The form. Only the event type is always visible; the others are in a disclosure. */
export function FilterForm({ filters }: { filters: Filters }) {
  const { typed, errors } = filters;
  const hasMore = names.some((name) => name !== "type" && typed[name] !== "");
  return (
    <form class="card stack" method="get" action="/events" role="search" aria-label="Events">
      <div class="filter-row">
        <TextField
          name="type"
          label="Event type"
          type="search"
          list="event-types"
          autocomplete="off"
          spellcheck="false"
          placeholder="All types"
          value={typed.type}
          error={errors.type}
        />
        <button class="button" type="submit">
          Filter
        </button>
        {isFiltered(filters) && (
          <a class="button quiet" href={archivePath({})}>
            Clear
          </a>
        )}
      </div>
      <details open={hasMore}>
        <summary>Project, job and time</summary>
        <div class="grid">
          <TextField
            name="project"
            label="Project UUID"
            autocomplete="off"
            spellcheck="false"
            value={typed.project}
            error={errors.project}
          />
          <TextField
            name="job"
            label="Job UUID"
            autocomplete="off"
            spellcheck="false"
            value={typed.job}
            error={errors.job}
          />
          <TimeRangeFields typed={typed} errors={errors} />
        </div>
      </details>
      <datalist id="event-types">
        {subscribableEventTypes.map((type) => (
          <option value={type}></option>
        ))}
      </datalist>
    </form>
  );
}

/** The error for an unknown event type, with suggestions. */
function unknownTypeError(text: string): string {
  const close = similarTypes(text);
  const hint = close.length === 0 ? "Choose one from the list." : `Did you mean ${close.join(" or ")}?`;
  return `${quoted(text)} is not an event type. ${hint}`;
}

function parseType(text: string): string | null {
  return subscribableEventTypes.includes(text) ? text : null;
}

function parseUuid(text: string): string | null {
  return z.guid().safeParse(text).success ? text.toLowerCase() : null;
}
