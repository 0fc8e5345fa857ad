/** Replaces a text that requires the scope `deliveries:read`. */

/** @param props.what starts the sentence: `The payload is`. */
export function ScopeRequired({ what }: { what: string }) {
  return (
    <p class="muted">
      {what} hidden: this requires the scope <code>deliveries:read</code>.
    </p>
  );
}
