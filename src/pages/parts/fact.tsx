/** A label and its value, inside a `<dl class="facts">`. */
import type { PropsWithChildren } from "hono/jsx";

/** @param props.label of the value. */
export function Fact({ label, children }: PropsWithChildren<{ label: string }>) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </>
  );
}
