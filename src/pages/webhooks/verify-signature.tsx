/** How a receiver verifies a signature, in four languages, ready to copy. */
import { CopiedText } from "../parts/copy";
import { snippets } from "./verify-snippets";

export function VerifySignature() {
  return (
    <section class="card" aria-labelledby="verify-title">
      <h2 id="verify-title">How to verify a signature</h2>
      <p>
        Every delivery carries <code>X-Hub-Signature</code>: the HMAC-SHA256 of the exact bytes of its body,
        with this webhook's secret as the key, in hex. Compute it before you parse the body, and answer 401
        where it differs.
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
        Those who use a Standard Webhooks library find its three headers too. While a secret is being changed,{" "}
        <code>webhook-signature</code> holds a signature of each.
      </p>
    </section>
  );
}
