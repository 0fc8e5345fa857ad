/** A cell of a table that becomes cards on narrow screens. */
import type { PropsWithChildren } from "hono/jsx";

/** One element inside, so that it stays together beside its label. */
export function Cell({ label, number, children }: PropsWithChildren<{ label: string; number?: boolean }>) {
  return (
    <td data-label={label} class={number ? "number" : undefined}>
      <div>{children}</div>
    </td>
  );
}
