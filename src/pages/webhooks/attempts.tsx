/** The attempts of a delivery: response, time, latency and the reason for a failure. */
import type { ShownAttempt } from "../../lane/shown-delivery";
import { count, duration } from "../parts/format-numbers";
import { HeaderList } from "../parts/header-list";
import { ScopeRequired } from "../parts/scope-required";
import { Time } from "../parts/time";
import { reasonOfAttempt } from "./failure-reason";

/** Newest first; the newest is open. @param props.isCarried whether another delivery's message carries this one. */
export function Attempts({ history, isCarried }: { history: ShownAttempt[]; isCarried: boolean }) {
  return (
    <section class="card" aria-labelledby="attempts-title">
      <h2 id="attempts-title">Attempts</h2>
      <div id="delivery-attempts">
        {history.length === 0 ? (
          <p class="muted">{isCarried ? carriedText : "No attempts yet."}</p>
        ) : (
          history.toReversed().map((attempt, index) => <Attempt attempt={attempt} isOpen={index === 0} />)
        )}
      </div>
    </section>
  );
}

const carriedText =
  "No attempts of its own: the attempts are those of the delivery whose message carries it.";

function Attempt({ attempt, isOpen }: { attempt: ShownAttempt; isOpen: boolean }) {
  const { number, startedAt, durationMs, status, error, egress } = attempt;
  return (
    <details id={`attempt-${number}`} open={isOpen}>
      <summary>
        <strong>Attempt {count(number)}</strong>{" "}
        <span class={`badge ${error === null ? "good" : "bad"}`}>{status ?? "No response"}</span>{" "}
        <span class="muted small">
          <Time at={startedAt} />, {duration(durationMs)}
        </span>
      </summary>
      <p>{reasonOfAttempt(attempt) ?? "Delivered."}</p>
      {egress !== null && (
        <p class="muted small">
          Sent through the egress <code>{egress}</code>.
        </p>
      )}
      {status === null && attempt.responseBody !== null && attempt.responseBody !== "" && (
        <p class="muted small">{attempt.responseBody}</p>
      )}
      {status !== null && <ResponseDetails attempt={attempt} />}
    </details>
  );
}

function ResponseDetails({ attempt: { number, responseHeaders, responseBody } }: { attempt: ShownAttempt }) {
  if (responseHeaders === null) return <ScopeRequired what="Response headers and body are" />;
  return (
    <>
      <h3>Response headers</h3>
      <HeaderList headers={responseHeaders} />
      <h3>Response body</h3>
      {responseBody === "" ? (
        <p class="muted">Empty</p>
      ) : (
        <pre tabindex={0} role="region" aria-label={`Response body of attempt ${number}`}>
          {responseBody}
        </pre>
      )}
    </>
  );
}
