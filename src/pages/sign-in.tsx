/** `GET` and `POST /sign-in`: exchanges a token for a session. */
import type { Context } from "hono";
import { callerByToken } from "../auth/caller";
import { allows } from "../auth/scopes";
import { startSession } from "../auth/session";
import { auditAs, clientAddress } from "../auth/audit";
import { isGuessing } from "../auth/guesses";
import { retryAfterSeconds } from "../platform/rate-limit";
import type { AppEnv } from "../auth/app-env";
import type { Router } from "../http/router";
import { log } from "../platform/log";
import { currentUser } from "./current-user";
import { renderPage } from "./layout";
import { localPath } from "./local-path";
import { readForm } from "./parts/read-form";

/** Delays responses to wrong tokens, in addition to the limit per address. */
const failureDelayMs = 500;

type Rejection = { status: 401 | 403 | 429; message: string };

const rejections = {
  unknown: { status: 401, message: "Invalid token: it is unknown, expired or revoked." },
  narrow: {
    status: 403,
    message: "This token lacks the scope webhooks:read, which the pages require.",
  },
  tooMany: {
    status: 429,
    message: `Too many wrong tokens from your address. Try again in ${retryAfterSeconds} seconds.`,
  },
} as const satisfies Record<string, Rejection>;

/** Adds the page and its form to `router`. */
export function signIn(router: Router): void {
  router.get("/sign-in", async (c) => {
    const next = localPath(c.req.query("next"));
    if ((await currentUser(c)) !== null) return c.redirect(next, 303);
    return renderForm(c, { next, isUnsaved: c.req.query("unsaved") === "yes" });
  });

  router.post("/sign-in", async (c) => {
    const { token, next: nextField } = Object.fromEntries(await readForm(c));
    const next = localPath(nextField);
    const rejection = await tryToken(c, typeof token === "string" ? token.trim() : "");
    if (rejection === null) return c.redirect(next, 303);
    log("warn", "sign-in refused", { status: rejection.status, address: clientAddress(c) });
    c.status(rejection.status);
    if (rejection.status === 429) c.header("Retry-After", String(retryAfterSeconds));
    return c.req.header("Accept")?.includes("text/html")
      ? renderForm(c, { next, rejection })
      : c.json({ message: rejection.message });
  });
}

/** Starts a session. @returns null, or why not. */
async function tryToken(c: Context<AppEnv>, token: string): Promise<Rejection | null> {
  const caller = await callerByToken(c.env, token, (work) => c.executionCtx.waitUntil(work));
  if (caller === null) {
    await scheduler.wait(failureDelayMs);
    return (await isGuessing(c)) ? rejections.tooMany : rejections.unknown;
  }
  if (!allows(caller.scopes, "webhooks:read")) {
    // For the audit log.
    c.set("caller", caller);
    return rejections.narrow;
  }
  await startSession(c, caller);
  await auditAs(c, caller, { action: "session.started" });
  return null;
}

/** `isUnsaved`: the session had ended when another form was submitted. */
type FormState = { next: string; isUnsaved?: boolean; rejection?: Rejection };

function renderForm(c: Context<AppEnv>, state: FormState): Response | Promise<Response> {
  const title = state.rejection === undefined ? "Sign in" : "Not signed in";
  return renderPage(c, { title, user: null }, <SignInForm {...state} />);
}

function SignInForm({ next, isUnsaved = false, rejection }: FormState) {
  return (
    <section class="card narrow" aria-labelledby="sign-in-title">
      <h1 id="sign-in-title">Sign in</h1>
      {isUnsaved && (
        <p class="notice warn" role="alert">
          You were signed out. Your changes were not saved.
        </p>
      )}
      {rejection && (
        <p class="notice bad" role="alert" id="sign-in-rejection">
          {rejection.message}
        </p>
      )}
      <form class="stack" method="post" action="/sign-in">
        <input type="hidden" name="next" value={next} />
        <div class="field">
          <label for="token">API token</label>
          <input
            id="token"
            name="token"
            type="password"
            autocomplete="current-password"
            required
            autofocus
            aria-describedby={rejection ? "token-hint sign-in-rejection" : "token-hint"}
            aria-invalid={rejection && rejection.status !== 429 ? "true" : undefined}
          />
          <p class="hint" id="token-hint">
            Requires the scope <code>webhooks:read</code>. You stay signed in for 12 hours.
          </p>
        </div>
        <button class="button primary" type="submit">
          Sign in
        </button>
      </form>
    </section>
  );
}
