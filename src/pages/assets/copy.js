/**
 * Buttons with `data-copy="id"` copy the text of that element or field. The page hides them, since they need this script.
 */

const shownMs = 2000;

/** Shows what a button did, also to screen readers. */
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
    // Not permitted, or not over https: selects the text, to copy by hand.
    source.focus();
    getSelection().selectAllChildren(source);
    source.select?.();
    say(button, "Selected: copy it now");
  }
});

/** Shows the buttons, also those in parts that are replaced later. */
function show() {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
}

show();
new MutationObserver(show).observe(document.querySelector("main"), { childList: true, subtree: true });
