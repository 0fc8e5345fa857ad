/** The exact request of the latest attempt: its headers, its body (formatted and raw), and a curl command. */
import { indentJson } from "../../send/indent-json";
import { CopiedText } from "../parts/copy-button";
import { HeaderList } from "../parts/header-list";
import { ScopeRequired } from "../parts/scope-required";
import { curlCommand } from "./curl";

/** `body`: null when it cannot be rebuilt. */
type RequestParts = { headers: Record<string, string>; body: string | null };

/**
 * @param props.sent null before the first attempt. @param props.mayReadTexts false shows only the headers.
 * @param props.isCarried whether another delivery's message carries this one.
 */
export function SentRequest({
  sent,
  mayReadTexts,
  isCarried,
}: {
  sent: RequestParts | null;
  mayReadTexts: boolean;
  isCarried: boolean;
}) {
  return (
    <section class="card" aria-labelledby="request-title">
      <h2 id="request-title">Request</h2>
      <div id="delivery-request">
        {sent === null ? (
          <p class="muted">{isCarried ? "No request of its own." : "No request yet."}</p>
        ) : (
          <>
            <h3>Headers</h3>
            <HeaderList headers={sent.headers} />
            {mayReadTexts ? <BodyIfKept {...sent} /> : <ScopeRequired what="The request body is" />}
          </>
        )}
      </div>
    </section>
  );
}

function BodyIfKept({ headers, body }: RequestParts) {
  if (body === null) {
    return (
      <p class="muted">
        The request body is not available: it was made by a template, or with settings that are no longer
        known.
      </p>
    );
  }
  return <Body headers={headers} body={body} />;
}

function Body({ headers, body }: { headers: Record<string, string>; body: string }) {
  const { command, variables } = curlCommand({ headers, body });
  return (
    <>
      <h3>Body</h3>
      <pre tabindex={0} role="region" aria-label="Request body, formatted">
        {formatBody(body)}
      </pre>
      <details id="body-as-sent">
        <summary>Raw body</summary>
        <CopiedText id="raw-body" what="the body" label="Raw request body">
          {body}
        </CopiedText>
      </details>
      <details id="as-curl">
        <summary>curl command</summary>
        <p>
          Sends the same bytes, headers and signature. Secrets are left out: first set{" "}
          {variables.map((name, index) => (
            <>
              {index > 0 && ", "}
              <code>{name}</code>
            </>
          ))}
          , for example <code>URL='https://…'</code>.
        </p>
        <CopiedText id="curl-command" what="the curl command" label="curl command">
          {command}
        </CopiedText>
      </details>
    </>
  );
}

/** Indents JSON. Shows form fields one per paragraph, with JSON values indented. */
export function formatBody(body: string): string {
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
