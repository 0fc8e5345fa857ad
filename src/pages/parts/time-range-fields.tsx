/** The two fields of a filter by time of acceptance. */
import { TextField } from "./field";
import { parseUtc } from "./utc-time";

type Times<Value> = { since: Value; until: Value };

/** @param props.typed the values as typed. @param props.errors sentences by field. */
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

/** Text for an invalid value, which a datetime field would not display. */
function timeField(typed: string): "text" | "datetime-local" {
  return typed === "" || parseUtc(typed) !== null ? "datetime-local" : "text";
}
