/** What stands in the place of a text that takes the scope `deliveries:read`. */

/** @param props.what begins the sentence: `The event's text is`. */
export function ScopeRequired({ what }: { what: string }) {
  return (
    <p class="muted">
      {what} not shown: that takes the scope <code>deliveries:read</code>.
    </p>
  );
}
