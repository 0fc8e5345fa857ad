/** The outcome of a form: a message that the page after the redirect shows once, passed in a cookie. */
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { z } from "zod";
import { cookieOptions } from "../../auth/cookie-options";

const cookieName = "outcome";
/** The lifetime of the cookie, which only has to survive a redirect. */
const cookieSeconds = 60;

const outcomeSchema = z.object({
  tone: z.enum(["good", "warn", "bad"]),
  text: z.string(),
  about: z.string().optional(),
});

/** `text`: a sentence without secrets. `about`: the uuid of its subject, on pages with several. */
export type Outcome = z.infer<typeof outcomeSchema>;

/** Redirects from a form to `path`, whose page shows the outcome. */
export function backTo(c: Context, path: string, outcome: Outcome): Response {
  setCookie(c, cookieName, JSON.stringify(outcome), { ...cookieOptions(c), maxAge: cookieSeconds });
  return c.redirect(path, 303);
}

/**
 * @returns the outcome of the redirect to this page, or null. The cookie is deleted, so that a reload does not show the
 *   outcome again. A background refresh (`/live.js`) does not take it.
 */
export function takeOutcome(c: Context): Outcome | null {
  if (c.req.header("X-Live") !== undefined) return null;
  const text = getCookie(c, cookieName, cookieOptions(c).prefix);
  if (text === undefined) return null;
  deleteCookie(c, cookieName, cookieOptions(c));
  return readOutcome(text);
}

/** @returns null for an invalid outcome, because the cookie may have been changed in the browser. */
function readOutcome(text: string): Outcome | null {
  try {
    return outcomeSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Shows an outcome, if there is one. Screen readers announce it. */
export function OutcomeNotice({ outcome }: { outcome: Outcome | null }) {
  if (outcome === null) return null;
  const { tone, text } = outcome;
  return (
    <p class={`notice ${tone}`} role={tone === "good" ? "status" : "alert"}>
      {text}
    </p>
  );
}
