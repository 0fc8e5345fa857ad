/** `GET` and `POST /sign-in`: from a token to a session. */
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

/** Beside the limit per address: no guess is answered faster. */
const failureDelayMs = 500;

type Refusal = { status: 401 | 403 | 429; message: string };

const refusals = {
  unknown: { status: 401, message: "This token is not valid: it is unknown, has expired or was revoked." },
  narrow: {
    status: 403,
    message: "This token may not read webhooks: the pages need one with the scope webhooks:read.",
  },
  tooMany: {
    status: 429,
    message: `Too many wrong tokens from your address. Try again in ${retryAfterSeconds} seconds.`,
  },
} as const satisfies Record<string, Refusal>;

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
    const refusal = await tryToken(c, typeof token === "string" ? token.trim() : "");
    if (refusal === null) return c.redirect(next, 303);
    log("warn", "sign-in refused", { status: refusal.status, address: clientAddress(c) });
    c.status(refusal.status);
    if (refusal.status === 429) c.header("Retry-After", String(retryAfterSeconds));
    return c.req.header("Accept")?.includes("text/html")
      ? renderForm(c, { next, refusal })
      : c.json({ message: refusal.message });
  });
}

/** Begins a session. @returns why not, or null. */
async function tryToken(c: Context<AppEnv>, token: string): Promise<Refusal | null> {
  const caller = await callerByToken(c.env, token, (work) => c.executionCtx.waitUntil(work));
  if (caller === null) {
    await scheduler.wait(failureDelayMs);
    return (await isGuessing(c)) ? refusals.tooMany : refusals.unknown;
  }
  if (!allows(caller.scopes, "webhooks:read")) {
    // For the audit log.
    c.set("caller", caller);
    return refusals.narrow;
  }
  await startSession(c, caller);
  await auditAs(c, caller, { action: "session.started" });
  return null;
}

/** What the form says. `isUnsaved`: another form led here, whose sender was no longer signed in. */
type FormState = { next: string; isUnsaved?: boolean; refusal?: Refusal };

function renderForm(c: Context<AppEnv>, state: FormState): Response | Promise<Response> {
  const title = state.refusal === undefined ? "Sign in" : "Not signed in";
  return renderPage(c, { title, user: null }, <SignInForm {...state} />);
}

function SignInForm({ next, isUnsaved = false, refusal }: FormState) {
  return (
    <section class="card narrow" aria-labelledby="sign-in-title">
      <h1 id="sign-in-title">Sign in</h1>
      {isUnsaved && (
        <p class="notice warn" role="alert">
          You were signed out: what you sent was not saved.
        </p>
      )}
      {refusal && (
        <p class="notice bad" role="alert" id="sign-in-refusal">
          {refusal.message}
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
            aria-describedby={refusal ? "token-hint sign-in-refusal" : "token-hint"}
            aria-invalid={refusal && refusal.status !== 429 ? "true" : undefined}
          />
          <p class="hint" id="token-hint">
            One with the scope <code>webhooks:read</code> or more. You stay signed in for 12 hours.
          </p>
        </div>
        <button class="button primary" type="submit">
          Sign in
        </button>
      </form>
    </section>
  );
}
