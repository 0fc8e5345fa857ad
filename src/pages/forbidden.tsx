/** The page for people who may not see another one. */
import type { Context } from "hono";
import type { Scope } from "../auth/scopes";
import type { AppEnv } from "../auth/app-env";
import { renderPage } from "./layout";

/** Says which scope is missing, with 403. */
export function renderForbidden(c: Context<AppEnv>, needed: Scope): Response | Promise<Response> {
  const { caller } = c.var;
  c.status(403);
  return renderPage(
    c,
    { title: "Not allowed", user: caller },
    <>
      <h1>Not allowed</h1>
      <p>
        This needs the scope <code>{needed}</code>. You are signed in as {caller.name}, with{" "}
        {caller.scopes.join(", ")}. Sign out, and in again with another token.
      </p>
    </>,
  );
}
