/** A cell of a table that becomes cards on narrow screens. */
import type { PropsWithChildren } from "hono/jsx";

type CellProps = {
  label: string;
  number?: boolean;
  /** Says nothing new: a card leaves it out, to be short. */
  minor?: boolean;
};

/** One element inside, so that it stays together beside its label. */
export function Cell({ label, number = false, minor = false, children }: PropsWithChildren<CellProps>) {
  const names = [number && "number", minor && "minor"].filter((name) => name !== false);
  return (
    <td data-label={label} class={names.length > 0 ? names.join(" ") : undefined}>
      <div>{children}</div>
    </td>
  );
}
