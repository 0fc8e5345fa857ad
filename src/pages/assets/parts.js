/** Replaces parts of a page, by id, with those of a newer version of the page. */

/**
 * Replaces the contents of the parts with those of the same ids in `page`. The elements themselves stay, so that screen
 * readers announce changes in live regions. The focus stays; details with an id stay open or closed.
 * @param {Document} page
 * @param {string[]} ids
 * @param {{keepsInput?: boolean}} [options] `keepsInput`: unsubmitted input stays, too.
 * @returns {boolean} false, and nothing is changed, when `page` lacks one of the parts: it is another page.
 */
export function takeParts(page, ids, { keepsInput = false } = {}) {
  const pairs = ids.map((id) => [document.getElementById(id), page.getElementById(id)]);
  if (pairs.some(([, next]) => next === null)) return false;
  for (const [part, next] of pairs) {
    if (part === null || part.innerHTML === next.innerHTML) continue;
    const place = placeOf(part);
    keepOpen(part, next);
    if (keepsInput) keepInput(part, next);
    part.replaceChildren(...next.childNodes);
    if (place !== null) part.querySelectorAll(focusable)[place]?.focus();
  }
  return true;
}

/**
 * Requests a page.
 * @param {string} path
 * @param {{method?: string, body?: URLSearchParams, headers?: Record<string, string>}} [request]
 * @returns {Promise<{page: Document, url: string, isOk: boolean}>} `url`: after redirects; `isOk`: a 2xx response.
 */
export async function askForPage(path, request) {
  const response = await fetch(path, { ...request, headers: { Accept: "text/html", ...request?.headers } });
  return {
    page: new DOMParser().parseFromString(await response.text(), "text/html"),
    url: response.url,
    isOk: response.ok,
  };
}

const focusable = "a[href], button, input, select, textarea, summary, [tabindex]";

function keepOpen(part, next) {
  for (const details of next.querySelectorAll("details[id]")) {
    const present = part.querySelector(`#${CSS.escape(details.id)}`);
    if (present !== null) details.open = present.open;
  }
}

function keepInput(part, next) {
  const present = new Map([...part.querySelectorAll(fields)].map((field) => [fieldKey(field), field]));
  for (const field of next.querySelectorAll(fields)) {
    const before = present.get(fieldKey(field));
    if (before === undefined) continue;
    if (isCheckable(field)) {
      if (before.checked !== before.defaultChecked) field.checked = before.checked;
    } else if (before.value !== defaultOf(before)) field.value = before.value;
  }
}

const fields = "input:not([type=hidden]), select, textarea";

/** Identifies a field by its form, name and, for checkboxes and radio buttons, value. */
function fieldKey(field) {
  const value = isCheckable(field) ? field.value : "";
  return JSON.stringify([field.form?.getAttribute("action"), field.name, value]);
}

function isCheckable({ type }) {
  return type === "checkbox" || type === "radio";
}

function defaultOf(field) {
  if (field.localName !== "select") return field.defaultValue;
  return ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value;
}

/** The index of the focused element among the focusable ones, or null. */
function placeOf(part) {
  if (!part.contains(document.activeElement)) return null;
  return [...part.querySelectorAll(focusable)].indexOf(document.activeElement);
}
