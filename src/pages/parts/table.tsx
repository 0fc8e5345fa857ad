/** Tables that scroll horizontally when too wide, and whose rows become cards on narrow screens. */
import type { Child, PropsWithChildren } from "hono/jsx";

/** A column's header, and whether its cells are numbers. */
type Column = string | { label: Child; number?: boolean };

/**
 * A table around its rows.
 * @param props.label makes it a focusable region, which can be scrolled by keyboard. Without it, rows need links.
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
  /** Hidden on narrow screens. */
  minor?: boolean;
};

/** A cell. Its content is one element, which is next to the label in a card. */
export function Cell({ label, number = false, minor = false, children }: PropsWithChildren<CellProps>) {
  const names = [number && "number", minor && "minor"].filter((name) => name !== false);
  return (
    <td data-label={label} class={names.length > 0 ? names.join(" ") : undefined}>
      <div>{children}</div>
    </td>
  );
}
