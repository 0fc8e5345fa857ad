/** Tables that scroll sideways where they are too wide, and whose rows become cards on narrow screens. */
import type { Child, PropsWithChildren } from "hono/jsx";

/** What stands at a column's head, and whether its cells are numbers. */
type Column = string | { label: Child; number?: boolean };

/**
 * A table around its rows.
 * @param props.label makes it a region that takes the focus, for keys to scroll it; without one links in it have to.
 */
export function Table({
  label,
  columns,
  small = false,
  children,
}: PropsWithChildren<{ label?: string; columns: readonly (Column | false)[]; small?: boolean }>) {
  const region = label === undefined ? {} : { role: "region", "aria-label": label, tabindex: 0 };
  return (
    <div class="table-scroll" {...region}>
      <table class={small ? "cards small" : "cards"}>
        <thead>
          <tr>{columns.map((column) => column !== false && <Head column={column} />)}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function Head({ column }: { column: Column }) {
  const { label, number = false } = typeof column === "string" ? { label: column } : column;
  return (
    <th scope="col" class={number ? "number" : undefined}>
      {label}
    </th>
  );
}

type CellProps = {
  label: string;
  number?: boolean;
  /** Says nothing new: a card leaves it out, to be short. */
  minor?: boolean;
};

/** A cell of a row. One element inside, so that it stays together beside its label. */
export function Cell({ label, number = false, minor = false, children }: PropsWithChildren<CellProps>) {
  const names = [number && "number", minor && "minor"].filter((name) => name !== false);
  return (
    <td data-label={label} class={names.length > 0 ? names.join(" ") : undefined}>
      <div>{children}</div>
    </td>
  );
}
