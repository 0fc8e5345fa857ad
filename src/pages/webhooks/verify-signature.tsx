/** Code that verifies a signature, in four languages, ready to copy. */
import { CopiedText } from "../parts/copy-button";
import { snippets } from "./verify-snippets";

/** Instructions and code; the same for all webhooks. */
export function VerifySignature() {
  return (
    <section class="card" aria-labelledby="verify-title">
      <h2 id="verify-title">Verify signatures</h2>
      <p>
        Every request has the header <code>X-Hub-Signature</code>: the hex HMAC-SHA256 of the exact request
        body, keyed with this webhook's secret. Verify it before parsing the body, and respond with 401 if it
        differs.
      </p>
      {Object.entries(snippets).map(([key, { language, code }]) => (
        <details name="verify">
          <summary>{language}</summary>
          <CopiedText id={`verify-${key}`} what={`the ${language} code`} label={`${language} code`}>
            {code}
          </CopiedText>
        </details>
      ))}
      <p class="muted small">
        Standard Webhooks libraries work, too: requests have their three headers. During a secret rotation,{" "}
        <code>webhook-signature</code> contains a signature for each secret.
      </p>
    </section>
  );
}
