/**
 * On every page: a form that was sent is not sent again while its answer is awaited. Twice would be done twice.
 * What is sent in the background looks after itself (`/in-place.js`).
 */

const sent = new Set();

// At the window: whoever sends a form in another way has said so by then.
addEventListener("submit", (event) => {
  const form = event.target;
  // To ask twice does no harm, and the second question may be another one.
  if (event.defaultPrevented || form.method !== "post") return;
  if (sent.has(form)) return event.preventDefault();
  sent.add(form);
  form.setAttribute("aria-busy", "true");
});

function forget() {
  for (const form of sent) form.removeAttribute("aria-busy");
  sent.clear();
}

// Back at this page as it was left.
addEventListener("pageshow", ({ persisted }) => persisted && forget());
// The answer was waited for no longer.
globalThis.navigation?.addEventListener("navigateerror", forget);
