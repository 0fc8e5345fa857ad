/** The two fields of a filter that say when something was accepted. */
import { TextField } from "./field";
import { parseUtc } from "./utc-time";

/** What was typed into them, and what is wrong with it. */
type Times<Value> = { since: Value; until: Value };

export function TimeRangeFields({ typed, errors }: { typed: Times<string>; errors: Partial<Times<string>> }) {
  return (
    <>
      <TextField
        name="since"
        label="Accepted since (UTC)"
        type={timeField(typed.since)}
        value={typed.since}
        error={errors.since}
      />
      <TextField
        name="until"
        label="Accepted before (UTC)"
        type={timeField(typed.until)}
        value={typed.until}
        error={errors.until}
      />
    </>
  );
}

/** A field for times would show nothing where what was typed is none. */
function timeField(typed: string): "text" | "datetime-local" {
  return typed === "" || parseUtc(typed) !== null ? "datetime-local" : "text";
}
