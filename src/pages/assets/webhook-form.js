/**
 * The form for a webhook, livelier: a preview that follows, a search through the event types, and a warning before
 * what was typed is lost. Parts of the form may be replaced at any time, so that nothing is kept of them.
 */
import { askForPage, takeParts } from "./parts.js";

const previewDelayMs = 400;
/** What the preview shows something of. */
const previewed = /^(url|name|content_type|types-\d+)$/;

const form = document.getElementById("webhook-form");
const groups = document.getElementById("groups");

// What was typed is not lost without a question.

let isUnsaved = form.dataset.unsaved !== undefined;

form.addEventListener("input", () => (isUnsaved = true));
form.addEventListener("click", ({ target }) => {
  // A new secret, or events that a button ticked.
  if (target.closest?.("[data-in-place]") && target.value !== "test") isUnsaved = true;
});
form.addEventListener("submit", ({ submitter }) => {
  if (submitter?.dataset.inPlace === undefined) isUnsaved = false;
});
addEventListener("beforeunload", (event) => {
  if (isUnsaved) event.preventDefault();
});

// The preview, and what a URL is recognised as.

let previewTimer = 0;
let asked = 0;

form.addEventListener("input", ({ target }) => {
  if (!previewed.test(target.name)) return;
  clearTimeout(previewTimer);
  previewTimer = setTimeout(showPreview, previewDelayMs);
});

async function showPreview() {
  const turn = ++asked;
  const body = new URLSearchParams(new FormData(form));
  body.set("intent", "preview");
  try {
    const { page } = await askForPage(form.action, { method: "POST", body });
    // An answer that comes late is about what was typed before.
    if (turn === asked) takeParts(page, ["recognised", "preview"]);
  } catch {
    // No preview then: the next one may come.
  }
}

// The certificate: over http there is none to verify.

const url = document.getElementById("url");
const certificate = document.getElementById("verify_ssl");

function followScheme() {
  const isHttp = /^http:/i.test(url.value.trim() || url.dataset.origin || "");
  if (isHttp !== certificate.disabled) certificate.checked = !isHttp;
  certificate.disabled = isHttp;
}

url.addEventListener("input", followScheme);
followScheme();

// Events: how many are chosen, what a limit rules out, and the search.

groups.addEventListener("input", ({ target }) => {
  if (target.dataset.project !== undefined) takeProjectOf(target);
  refresh(target.closest("[data-events]"), target.type === "search");
});
groups.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.type === "search") event.preventDefault();
});
new MutationObserver(refreshAll).observe(groups, { childList: true });
refreshAll();

function refreshAll() {
  for (const events of groups.querySelectorAll("[data-events]")) refresh(events, false);
}

function refresh(events, isSearch) {
  const search = events.querySelector("[data-search]");
  if (search === null) return;
  search.hidden = false;
  const limit = events.querySelector('input[type="radio"]:checked')?.value ?? "all";
  const boxes = [...events.querySelectorAll('input[type="checkbox"]')];
  for (const box of boxes) box.disabled = !box.dataset.fits.split(" ").includes(limit);
  const chosen = boxes.filter((box) => box.checked && !box.disabled).length;
  const whole = events.closest("details.event-group") ?? events;
  for (const count of whole.querySelectorAll("[data-count]")) {
    count.textContent = chosen === 0 ? "Nothing chosen" : `${chosen} chosen`;
  }
  if (isSearch) find(events, search.querySelector("input").value);
}

/** Shows the event types in whose path or label every word is, in open branches; all when there is no word. */
function find(events, text) {
  const words = text
    .toLowerCase()
    .split(/[\s:]+/)
    .filter(Boolean);
  let found = 0;
  for (const choice of events.querySelectorAll("[data-choice]")) {
    const name = `${choice.dataset.choice} ${choice.textContent}`.toLowerCase();
    choice.hidden = !words.every((word) => name.includes(word));
    if (!choice.hidden) found++;
  }
  for (const branch of events.querySelectorAll("details.branch")) {
    const hasFound = branch.querySelector("[data-choice]:not([hidden])") !== null;
    branch.hidden = !hasFound;
    if (words.length > 0) branch.open = hasFound;
  }
  events.querySelector("[data-nothing]").hidden = found > 0;
}

/** A job that is known belongs to a project that is known. */
function takeProjectOf(field) {
  const known = [...document.querySelectorAll("#known-jobs option")].find(
    ({ value }) => value === field.value,
  );
  const project = document.getElementById(field.dataset.project);
  if (known && project) project.value = known.dataset.project;
}
