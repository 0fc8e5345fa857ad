/**
 * Forms with `data-in-place="id id …"` are sent in the background, and those parts of the page take over what the
 * answer has in them. Where that fails the form is sent as if there were no script.
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
  // Once: a second click while the first is under way would do it twice.
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  notice.remove();
  const path = button?.getAttribute("formaction") ?? form.getAttribute("action") ?? location.href;
  const body = new URLSearchParams(new FormData(form, button));
  try {
    const { page, url } = await askForPage(path, { method: "POST", body });
    if (takeParts(page, ids)) return;
    if (new URL(url).pathname === "/sign-in") sayEnded(ids, button ?? form);
    // Led elsewhere; or an error, which a visit to that path would not show.
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

/** As an answer names where it comes from. */
function withoutFragment(path) {
  const url = new URL(path, location.href);
  url.hash = "";
  return url.href;
}

/** Says it where the outcome would be, or else beside what was pressed: what was typed stays. */
function sayEnded(ids, pressed) {
  notice.textContent =
    "Your session has ended, and nothing was done. Sign in in another tab, then try again.";
  const outcome = ids
    .map((id) => document.getElementById(id))
    .find((part) => part?.matches("[role=status], [aria-live]"));
  if (outcome) outcome.replaceChildren(notice);
  else pressed.parentElement.after(notice);
}
