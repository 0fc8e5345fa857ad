/**
 * Forms with `data-in-place="id id …"` are sent in the background, and those parts of the page take over what the
 * answer has in them. Where that fails the form is sent as if there were no script.
 */
import { askForPage, takeParts } from "./parts.js";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  const ids = (button?.dataset.inPlace ?? form.dataset.inPlace)?.split(" ");
  if (ids === undefined || event.defaultPrevented) return;
  event.preventDefault();
  // Once: a second click while the first is under way would do it twice.
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  const path = button?.getAttribute("formaction") ?? form.getAttribute("action") ?? location.href;
  const body = new URLSearchParams(new FormData(form, button));
  try {
    const { page, url } = await askForPage(path, { method: "POST", body });
    if (takeParts(page, ids)) return;
    // Led elsewhere, to the sign-in for example; or an error, which a visit to that path would not show.
    if (url !== new URL(path, location.href).href) location.assign(url);
    else takeParts(page, ["content"]);
  } catch {
    form.removeAttribute("data-in-place");
    button?.removeAttribute("data-in-place");
    form.requestSubmit(button);
  } finally {
    form.removeAttribute("aria-busy");
  }
});
