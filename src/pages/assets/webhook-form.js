/**
 * Enhances the webhook form: live preview, search of event types, and a warning before unsaved changes are lost. Parts of
 * the form may be replaced at any time, so no references to their elements are kept.
 */
import { askForPage, takeParts } from "./parts.js";

const previewDelayMs = 400;
/** The fields that the preview depends on. */
const previewed = /^(url|name|content_type|format|template|digest_s|option-.*|types-\d+)$/;

const form = document.getElementById("webhook-form");
const groups = document.getElementById("groups");

// Warns before unsaved changes are lost.

let isUnsaved = form.dataset.unsaved !== undefined;

form.addEventListener("input", () => (isUnsaved = true));
form.addEventListener("click", ({ target }) => {
  // A new secret, or events of a preset.
  if (target.closest?.("[data-in-place]") && target.value !== "test") isUnsaved = true;
});
form.addEventListener("submit", ({ submitter }) => {
  if (submitter?.dataset.inPlace === undefined) isUnsaved = false;
});
addEventListener("beforeunload", (event) => {
  if (isUnsaved) event.preventDefault();
});

// The preview, the notice about the URL, and the fields of the format.

let previewTimer = 0;
let latestRequest = 0;

form.addEventListener("input", ({ target }) => {
  if (!previewed.test(target.name)) return;
  clearTimeout(previewTimer);
  previewTimer = setTimeout(showPreview, previewDelayMs);
});

async function showPreview() {
  const request = ++latestRequest;
  const body = new URLSearchParams(new FormData(form));
  body.set("intent", "preview");
  try {
    const { page } = await askForPage(form.action, { method: "POST", body });
    // Ignores late responses to earlier input.
    if (request !== latestRequest) return;
    takeParts(page, ["url-notice", "preview"]);
    takeFormatFields(page);
  } catch {
    // The preview is optional; the next input tries again.
  }
}

/** Only for another format: someone may be typing in the fields of the present one. */
function takeFormatFields(page) {
  const [present, next] = [document, page].map((one) => one.getElementById("format-fields"));
  if (next === null || present.dataset.format === next.dataset.format) return;
  takeParts(page, ["format-fields"]);
  present.dataset.format = next.dataset.format;
}

// Certificate verification does not apply to http.

const url = document.getElementById("url");
const certificate = document.getElementById("verify_ssl");

function followScheme() {
  const isHttp = /^http:/i.test(url.value.trim() || url.dataset.origin || "");
  if (isHttp !== certificate.disabled) certificate.checked = !isHttp;
  certificate.disabled = isHttp;
}

url.addEventListener("input", followScheme);
followScheme();

// Events: number of selected types, types that a limit excludes, and the search.

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
  const selected = boxes.filter((box) => box.checked && !box.disabled).length;
  const whole = events.closest("details.event-group") ?? events;
  for (const count of whole.querySelectorAll("[data-count]")) {
    count.textContent = selected === 0 ? "None selected" : `${selected} selected`;
  }
  if (isSearch) find(events, search.querySelector("input").value);
}

/** Shows the event types whose path or label contains every word, in open branches; all if there is no word. */
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

/** Fills in the project of a known job. */
function takeProjectOf(field) {
  const known = [...document.querySelectorAll("#known-jobs option")].find(
    ({ value }) => value === field.value,
  );
  const project = document.getElementById(field.dataset.project);
  if (known && project) project.value = known.dataset.project;
}
