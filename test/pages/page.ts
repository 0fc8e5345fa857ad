/** A small browser for tests: it asks for pages and sends forms, and follows nothing. */
import { exports } from "cloudflare:workers";
import { watch } from "../secrets";

/** Where the tests' gateway is. */
export const origin = "https://gateway.test";

/** An answer, read. */
export type Page = { status: number; headers: Headers; html: string };

/** Asks for a page. @param cookie as `Set-Cookie` gave it. */
export async function get(path: string, cookie = "", headers: Record<string, string> = {}): Promise<Page> {
  return read(
    new Request(origin + path, { headers: { ...browser(cookie), ...headers }, redirect: "manual" }),
  );
}

/** Sends a form of this site's own. */
export async function post(
  path: string,
  fields: Record<string, string> | URLSearchParams = {},
  { cookie = "", headers = {} }: { cookie?: string; headers?: Record<string, string> } = {},
): Promise<Page> {
  return read(
    new Request(origin + path, {
      method: "POST",
      headers: { ...browser(cookie), Origin: origin, "Sec-Fetch-Site": "same-origin", ...headers },
      body: new URLSearchParams(fields),
      redirect: "manual",
    }),
  );
}

/** Goes where an answer leads, with the cookie that it sets beside `cookie`. */
export async function follow(answer: Page, cookie = ""): Promise<Page> {
  return get(answer.headers.get("Location") ?? "", `${cookie}; ${cookieOf(answer.headers)}`);
}

/** Signs in. @returns the cookie. */
export async function signIn(token: string): Promise<string> {
  const { status, headers, html } = await post("/sign-in", { token });
  if (status !== 303) throw new Error(`Not signed in: ${html}`);
  return cookieOf(headers);
}

/** The cookie that an answer sets, as a browser sends it back. */
export function cookieOf(headers: Headers): string {
  return headers.get("Set-Cookie")?.split(";")[0] ?? "";
}

/** Ids that a page gives to its scripts as parts to be taken over, and does not have. */
export function missingParts(html: string): string[] {
  const named = html.matchAll(/data-(?:parts|poll|in-place|copy)="([^"]*)"/g);
  const ids = [...named].flatMap(([, list = ""]) => list.split(" "));
  return ids.filter((id) => !html.includes(` id="${id}"`));
}

function browser(cookie: string): Record<string, string> {
  return { Accept: "text/html,*/*;q=0.8", ...(cookie && { Cookie: cookie }) };
}

async function read(request: Request): Promise<Page> {
  const response = await exports.default.fetch(request);
  const html = await response.text();
  watch(`the page ${request.url}`, html);
  return { status: response.status, headers: response.headers, html };
}
