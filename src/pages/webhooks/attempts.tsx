/** The attempts of a delivery: what was answered, when, and how long it took. */
import type { LoggedAttempt } from "../../delivery/delivery-log";
import { count, duration } from "../parts/figures";
import { HeaderList } from "../parts/header-list";
import { Time } from "../parts/time";

/** Newest first: the last one is what people look for. */
export function Attempts({ history }: { history: LoggedAttempt[] }) {
  return (
    <section class="card" aria-labelledby="attempts-title">
      <h2 id="attempts-title">Attempts</h2>
      {history.length === 0 ? (
        <p class="muted">It was not tried yet.</p>
      ) : (
        <div class="stack">
          {history.toReversed().map((attempt, index) => (
            <Attempt {...attempt} isOpen={index === 0} />
          ))}
        </div>
      )}
    </section>
  );
}

function Attempt({ isOpen, ...attempt }: LoggedAttempt & { isOpen: boolean }) {
  const { number, startedAt, durationMs, status, error, responseHeaders, responseBody } = attempt;
  return (
    <details open={isOpen}>
      <summary>
        <strong>Attempt {count(number)}</strong>{" "}
        <span class={`badge ${error === null ? "good" : "bad"}`}>{resultOf(attempt)}</span>{" "}
        <span class="muted small">
          <Time at={startedAt} />, took {duration(durationMs)}
        </span>
      </summary>
      {status === null ? (
        <p class="muted">There was no answer{error && `: ${error}`}.</p>
      ) : (
        <>
          <h3>Answer's headers</h3>
          <HeaderList headers={responseHeaders} />
          <h3>Answer's body</h3>
          {responseBody === "" ? (
            <p class="muted">It was empty.</p>
          ) : (
            <pre tabindex={0} aria-label={`Body of the answer to attempt ${number}`}>
              {responseBody}
            </pre>
          )}
        </>
      )}
    </details>
  );
}

/** `200`, `503 http_5xx`, `timeout` */
function resultOf({ status, error }: LoggedAttempt): string {
  return [status, error].filter((part) => part !== null).join(" ");
}
