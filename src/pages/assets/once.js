/**
 * On every page: ignores a second submission of a form while the first one is in progress. Forms in the background do
 * that themselves (`/in-place.js`).
 */

const sent = new Set();

// On window: listeners that handle the form themselves have run by then.
addEventListener("submit", (event) => {
  const form = event.target;
  // GET forms are safe to repeat, and the second may differ.
  if (event.defaultPrevented || form.method !== "post") return;
  if (sent.has(form)) return event.preventDefault();
  sent.add(form);
  form.setAttribute("aria-busy", "true");
});

function forget() {
  for (const form of sent) form.removeAttribute("aria-busy");
  sent.clear();
}

// The page was restored from the back/forward cache.
addEventListener("pageshow", ({ persisted }) => persisted && forget());
// Navigation was cancelled.
globalThis.navigation?.addEventListener("navigateerror", forget);
