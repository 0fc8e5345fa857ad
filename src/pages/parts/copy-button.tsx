/** Buttons that copy a text of the page. They need scripts, and are hidden without them. */
import type { PropsWithChildren } from "hono/jsx";

/** @param props.of the id of the element or field. @param props.what is copied, for screen readers. */
export function CopyButton({ of, what }: { of: string; what: string }) {
  return (
    <button class="button small copy" type="button" data-copy={of} aria-label={`Copy ${what}`} hidden>
      Copy
    </button>
  );
}

/** A text with a copy button. @param props.label of the text, for screen readers, like `what`. */
export function CopiedText({
  id,
  what,
  label,
  children,
}: PropsWithChildren<{ id: string; what: string; label: string }>) {
  return (
    <div class="copied">
      <CopyButton of={id} what={what} />
      <pre id={id} tabindex={0} role="region" aria-label={label}>
        {children}
      </pre>
    </div>
  );
}
