/** Error pages: HTML instead of JSON for browsers. */
import type { Context } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { Caller } from "../auth/caller";
import type { AppEnv } from "../auth/app-env";
import { renderPage } from "./layout";

const titles: Record<number, string> = {
  400: "Invalid request",
  403: "Not allowed",
  404: "Not found",
  405: "Not allowed",
  409: "Conflict",
  413: "Too large",
  415: "Not supported",
  429: "Too many requests",
  503: "Not available",
};

/**
 * @param answer a response with JSON `{"message"}`. @returns a page with its message and headers if the client accepts
 *   HTML; else `answer`.
 */
export async function asPage(c: Context<AppEnv>, answer: Response): Promise<Response> {
  const wantsPage = c.req.header("Accept")?.includes("text/html") === true;
  if (!wantsPage || c.req.path.startsWith("/api/")) return answer;
  const { message } = await answer.json<{ message: string }>();
  const title = titles[answer.status] ?? "Something went wrong";
  // Undefined when the error occurred before authentication.
  const user: Caller | undefined = c.var.caller;
  c.status(answer.status as StatusCode);
  for (const [name, value] of answer.headers) if (!name.startsWith("content-")) c.header(name, value);
  return renderPage(
    c,
    { title, user: user ?? null },
    <section class="card narrow" aria-labelledby="error-title">
      <h1 id="error-title">{title}</h1>
      <p>{message}</p>
      <p>
        <a class="button" href="/">
          Back to webhooks
        </a>
      </p>
    </section>,
  );
}
