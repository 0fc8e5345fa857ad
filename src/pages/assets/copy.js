/**
 * Buttons with `data-copy="id"` copy the text of that element, or what is in that field. They are hidden in the page:
 * without this script they could do nothing.
 */

const shownMs = 2000;

/** Says what a button did, to screen readers too. */
function say(button, text) {
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  button.textContent = text;
  status.textContent = text;
  setTimeout(() => {
    if (button.textContent === text) button.textContent = label;
    status.textContent = "";
  }, shownMs);
}

const status = document.createElement("div");
status.className = "visually-hidden";
status.setAttribute("role", "status");
document.querySelector("main").append(status);

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    say(button, "Copied");
  } catch {
    // Not allowed, or not over https: it can be copied by hand then.
    source.focus();
    getSelection().selectAllChildren(source);
    source.select?.();
    say(button, "Selected: copy it now");
  }
});

/** Also those that a part of the page brings later. */
function show() {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
}

show();
new MutationObserver(show).observe(document.querySelector("main"), { childList: true, subtree: true });
