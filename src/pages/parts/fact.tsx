/** A fact: what it is of, and what it is. Facts stand in a `<dl class="facts">`. */
import type { PropsWithChildren } from "hono/jsx";

export function Fact({ label, children }: PropsWithChildren<{ label: string }>) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </>
  );
}
