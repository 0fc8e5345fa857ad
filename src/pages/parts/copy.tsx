/** A button that copies a text of the page. Only scripts can: without them it is not there. */

/** @param props.of the id of the element, or of the field. @param props.what is copied, for screen readers. */
export function CopyButton({ of, what }: { of: string; what: string }) {
  return (
    <button class="button small copy" type="button" data-copy={of} aria-label={`Copy ${what}`} hidden>
      Copy
    </button>
  );
}
