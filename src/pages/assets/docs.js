/** The try-out of the API reader: requests to the API without a token of their own are made as the person who is signed in. */

/** What the reader sends while its field for a token is empty. */
const placeholder = "Bearer 123";

const send = window.fetch.bind(window);

window.fetch = (input, init) => {
  const request = new Request(input, init);
  const url = new URL(request.url);
  const token = request.headers.get("Authorization") ?? placeholder;
  const isTried = url.origin === location.origin && url.pathname.startsWith("/api/");
  if (!isTried || token !== placeholder) return send(request);
  return send(new Request(`/docs/try${url.pathname}${url.search}`, request));
};

// The reader has no theme that follows the system's.
const dark = matchMedia("(prefers-color-scheme: dark)");
const setTheme = () => document.documentElement.setAttribute("data-theme", dark.matches ? "dark" : "light");
dark.addEventListener("change", setTheme);
setTheme();
