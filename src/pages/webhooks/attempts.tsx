/** The attempts of a delivery: what was answered, when, how long it took, and why it failed. */
import type { ShownAttempt } from "../../lane/shown-delivery";
import { count, duration } from "../parts/format-numbers";
import { HeaderList } from "../parts/header-list";
import { ScopeRequired } from "../parts/scope-required";
import { Time } from "../parts/time";
import { reasonOfAttempt } from "./failure-reason";

/** Newest first: the last one is what people look for. */
export function Attempts({ history }: { history: ShownAttempt[] }) {
  return (
    <section class="card" aria-labelledby="attempts-title">
      <h2 id="attempts-title">Attempts</h2>
      <div id="delivery-attempts">
        {history.length === 0 ? (
          <p class="muted">It was not tried yet.</p>
        ) : (
          history.toReversed().map((attempt, index) => <Attempt attempt={attempt} isOpen={index === 0} />)
        )}
      </div>
    </section>
  );
}

function Attempt({ attempt, isOpen }: { attempt: ShownAttempt; isOpen: boolean }) {
  const { number, startedAt, durationMs, status, error } = attempt;
  return (
    <details id={`attempt-${number}`} open={isOpen}>
      <summary>
        <strong>Attempt {count(number)}</strong>{" "}
        <span class={`badge ${error === null ? "good" : "bad"}`}>{status ?? "No answer"}</span>{" "}
        <span class="muted small">
          <Time at={startedAt} />, took {duration(durationMs)}
        </span>
      </summary>
      <p>{reasonOfAttempt(attempt) ?? "Delivered."}</p>
      {status !== null && <Answer attempt={attempt} />}
    </details>
  );
}

function Answer({ attempt: { number, responseHeaders, responseBody } }: { attempt: ShownAttempt }) {
  if (responseHeaders === null) return <ScopeRequired what="The answer's headers and body are" />;
  return (
    <>
      <h3>Answer's headers</h3>
      <HeaderList headers={responseHeaders} />
      <h3>Answer's body</h3>
      {responseBody === "" ? (
        <p class="muted">It was empty.</p>
      ) : (
        <pre tabindex={0} role="region" aria-label={`Body of the answer to attempt ${number}`}>
          {responseBody}
        </pre>
      )}
    </>
  );
}
