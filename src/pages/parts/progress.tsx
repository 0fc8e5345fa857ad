/** A bar that says how far long work has come. */
import { count } from "./format-numbers";

/**
 * @param props.label what is done: `Sending again`.
 * @param props.max how much there is to do; null where that is not known: the bar says only that it goes on.
 * @param props.poll while the work runs, the ids of the parts (this one among them) that `/live.js` asks for again
 * each second. Left out at the end, which ends the asking. Its page says `refreshWithoutScripts`.
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
        // Nothing to do is all done.
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
