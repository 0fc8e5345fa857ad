/** A progress bar for long work. */
import { count } from "./format-numbers";

/**
 * @param props.label of the work: `Replaying`.
 * @param props.max the total; null when unknown, for an indeterminate bar.
 * @param props.poll while the work runs, the ids of the parts, including this one, that `/live.js` refreshes each
 *   second. Absent at the end, which stops the refreshes. The page sets `refreshWithoutScripts`.
 */
export function Progress({
  label,
  value,
  max,
  poll,
}: {
  label: string;
  value: number;
  max: number | null;
  poll?: string;
}) {
  const words = max === null ? `${count(value)} so far` : `${count(value)} of ${count(max)}`;
  return (
    <div class="progress" data-poll={poll}>
      <span class="progress-label">{label}</span>
      <span class="progress-words">{words}</span>
      {max === null ? (
        <progress aria-label={label} aria-valuetext={words}></progress>
      ) : (
        // Zero of zero is shown as complete.
        <progress
          aria-label={label}
          aria-valuetext={words}
          value={max === 0 ? 1 : value}
          max={max || 1}
        ></progress>
      )}
    </div>
  );
}
