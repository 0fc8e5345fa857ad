/** The buttons at the end of a form: submit and cancel. */
import type { PropsWithChildren } from "hono/jsx";

/**
 * @param props.submit the label of the submit button. Other props, such as `name`, are passed to the button.
 * @param props.cancel the path of the cancel link. @param props.children other buttons, between the two.
 */
export function FormButtons({
  submit,
  cancel,
  tone = "primary",
  children,
  ...button
}: PropsWithChildren<{
  submit: string;
  cancel: string;
  tone?: "primary" | "danger";
  name?: string;
  value?: string;
}>) {
  return (
    <div class="row">
      <button class={`button ${tone}`} type="submit" {...button}>
        {submit}
      </button>
      {children}
      <a class="button quiet" href={cancel}>
        Cancel
      </a>
    </div>
  );
}
