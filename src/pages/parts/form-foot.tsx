/** The buttons at the end of a form: submit and cancel. */
import type { PropsWithChildren } from "hono/jsx";

/**
 * @param props.send the label of the submit button, which also takes other props, such as `name`.
 * @param props.cancel the path of the cancel link. @param props.children other buttons, between the two.
 */
export function FormFoot({
  send,
  cancel,
  tone = "primary",
  children,
  ...button
}: PropsWithChildren<{
  send: string;
  cancel: string;
  tone?: "primary" | "danger";
  name?: string;
  value?: string;
}>) {
  return (
    <div class="row">
      <button class={`button ${tone}`} type="submit" {...button}>
        {send}
      </button>
      {children}
      <a class="button quiet" href={cancel}>
        Cancel
      </a>
    </div>
  );
}
