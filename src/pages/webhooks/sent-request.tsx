/** The exact request that the latest attempt sent: its headers and its body, laid out and as it was. */
import { indentJson } from "../../delivery/indent-json";
import { HeaderList } from "../parts/header-list";

/** A request; null before the first attempt. `body` is null where it cannot be told any more. */
type Sent = { headers: Record<string, string>; body: string | null } | null;

export function SentRequest({ sent }: { sent: Sent }) {
  return (
    <section class="card" aria-labelledby="request-title">
      <h2 id="request-title">Request</h2>
      {sent === null ? (
        <p class="muted">Nothing was sent yet.</p>
      ) : (
        <>
          <h3>Headers</h3>
          <HeaderList headers={sent.headers} />
          {sent.body === null ? (
            <p class="muted">Its body cannot be told any more.</p>
          ) : (
            <Body body={sent.body} />
          )}
        </>
      )}
    </section>
  );
}

function Body({ body }: { body: string }) {
  return (
    <>
      <h3>Body</h3>
      <pre tabindex={0} aria-label="Body, laid out">
        {laidOut(body)}
      </pre>
      <details>
        <summary>As it was sent</summary>
        <pre tabindex={0} aria-label="Body, as it was sent">
          {body}
        </pre>
      </details>
    </>
  );
}

/** JSON over lines, the fields of a form one under the other, with JSON in them over lines, too. */
export function laidOut(body: string): string {
  if (isJson(body)) return indentJson(body);
  return Array.from(
    new URLSearchParams(body),
    ([name, value]) => `${name}: ${isJson(value) ? indentJson(value) : value}`,
  ).join("\n\n");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
