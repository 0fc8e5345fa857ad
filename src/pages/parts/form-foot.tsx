/** The foot of a form: the button that sends it, and the way out. */
import type { PropsWithChildren } from "hono/jsx";

/**
 * @param props.send what the button says. What else is given, such as `name`, is the button's.
 * @param props.cancel the path to go to instead. @param props.children other buttons, between the two.
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
