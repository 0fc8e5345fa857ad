/**
 * Forms with `data-in-place="id id …"` are submitted in the background, and those parts of the page are replaced with
 * the response's. If that fails, the form is submitted normally.
 */
import { askForPage, takeParts } from "./parts.js";

const notice = document.createElement("p");
notice.className = "notice bad";
notice.setAttribute("role", "alert");

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  const ids = (button?.dataset.inPlace ?? form.dataset.inPlace)?.split(" ");
  if (ids === undefined || event.defaultPrevented) return;
  event.preventDefault();
  // Ignores a second click while the first one is in progress.
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  notice.remove();
  const path = button?.getAttribute("formaction") ?? form.getAttribute("action") ?? location.href;
  const body = new URLSearchParams(new FormData(form, button));
  try {
    const { page, url } = await askForPage(path, { method: "POST", body });
    if (takeParts(page, ids)) return;
    if (new URL(url).pathname === "/sign-in") showSessionEnded(ids, button ?? form);
    // Redirected to another page; else an error, which a visit to that path would not show.
    else if (url !== withoutFragment(path)) location.assign(url);
    else takeParts(page, ["content"]);
  } catch {
    form.removeAttribute("data-in-place");
    button?.removeAttribute("data-in-place");
    form.requestSubmit(button);
  } finally {
    form.removeAttribute("aria-busy");
  }
});

/** As in `Response.url`. */
function withoutFragment(path) {
  const url = new URL(path, location.href);
  url.hash = "";
  return url.href;
}

/** Shows a notice in place of the outcome, or else next to the pressed button. Input is kept. */
function showSessionEnded(ids, pressed) {
  notice.textContent = "Your session has ended. Nothing was changed. Sign in in another tab, then try again.";
  const outcome = ids
    .map((id) => document.getElementById(id))
    .find((part) => part?.matches("[role=status], [aria-live]"));
  if (outcome) outcome.replaceChildren(notice);
  else pressed.parentElement.after(notice);
}
