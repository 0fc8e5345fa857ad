/** The exact request that the latest attempt sent: its headers, its body, laid out and as it was, and as a command. */
import { indentJson } from "../../send/indent-json";
import { CopiedText } from "../parts/copy";
import { HeaderList } from "../parts/header-list";
import { ScopeRequired } from "../parts/scope-required";
import { curlCommand } from "./curl";

/** `body` is null where it cannot be told any more. */
type SentParts = { headers: Record<string, string>; body: string | null };

/** A request; null before the first attempt. */
type Sent = SentParts | null;

/** @param props.mayReadTexts false leaves only the headers. */
export function SentRequest({ sent, mayReadTexts }: { sent: Sent; mayReadTexts: boolean }) {
  return (
    <section class="card" aria-labelledby="request-title">
      <h2 id="request-title">Request</h2>
      <div id="delivery-request">
        {sent === null ? (
          <p class="muted">Nothing was sent yet.</p>
        ) : (
          <>
            <h3>Headers</h3>
            <HeaderList headers={sent.headers} />
            {mayReadTexts ? <BodyIfKept {...sent} /> : <ScopeRequired what="Its body is" />}
          </>
        )}
      </div>
    </section>
  );
}

function BodyIfKept({ headers, body }: SentParts) {
  if (body === null) return <p class="muted">Its body cannot be told any more.</p>;
  return <Body headers={headers} body={body} />;
}

function Body({ headers, body }: { headers: Record<string, string>; body: string }) {
  const { command, variables } = curlCommand({ headers, body });
  return (
    <>
      <h3>Body</h3>
      <pre tabindex={0} role="region" aria-label="Body, laid out">
        {laidOut(body)}
      </pre>
      <details id="body-as-sent">
        <summary>As it was sent</summary>
        <CopiedText id="raw-body" what="the body" label="Body, as it was sent">
          {body}
        </CopiedText>
      </details>
      <details id="as-curl">
        <summary>As a curl command</summary>
        <p>
          It sends the same bytes with the same headers and signature. What is secret is not in it: set{" "}
          {variables.map((name, index) => (
            <>
              {index > 0 && ", "}
              <code>{name}</code>
            </>
          ))}{" "}
          before, as in <code>URL='https://…'</code>.
        </p>
        <CopiedText id="curl-command" what="the curl command" label="curl command">
          {command}
        </CopiedText>
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
