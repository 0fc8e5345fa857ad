/** How a receiver verifies a signature, in four languages, ready to copy. */
import { CopyButton } from "../parts/copy";
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
          <div class="copied">
            <CopyButton of={`verify-${key}`} what={`the ${language} code`} />
            <pre id={`verify-${key}`} tabindex={0} role="region" aria-label={`${language} code`}>
              {code}
            </pre>
          </div>
        </details>
      ))}
      <p class="muted small">
        Those who use a Standard Webhooks library find its three headers too. While a secret is being changed,{" "}
        <code>webhook-signature</code> holds a signature of each.
      </p>
    </section>
  );
}
