/** The page for users who lack a scope. */
import type { Context } from "hono";
import type { Scope } from "../auth/scopes";
import type { AppEnv } from "../auth/app-env";
import { renderPage } from "./layout";

/** Responds with 403 and names the missing scope. */
export function renderForbidden(c: Context<AppEnv>, needed: Scope): Response | Promise<Response> {
  const { caller } = c.var;
  c.status(403);
  return renderPage(
    c,
    { title: "Not allowed", user: caller },
    <section class="card narrow" aria-labelledby="forbidden-title">
      <h1 id="forbidden-title">Not allowed</h1>
      <p>
        This requires the scope <code>{needed}</code>. You are signed in as {caller.name}, with{" "}
        {caller.scopes.join(", ")}. Sign out and sign in with another token.
      </p>
    </section>,
  );
}
