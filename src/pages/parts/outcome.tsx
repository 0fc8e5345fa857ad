/** What became of a form: a sentence that the page which the form leads to shows, once. A cookie carries it there. */
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { z } from "zod";
import { ownCookie } from "../../auth/own-cookie";

const cookieName = "outcome";
/** Long enough for a redirect. */
const cookieSeconds = 60;

const outcomeSchema = z.object({
  tone: z.enum(["good", "warn", "bad"]),
  text: z.string(),
  about: z.string().optional(),
});

/** `text`: a sentence for people, without secrets. `about`: the uuid of what it is about, where a page shows several. */
export type Outcome = z.infer<typeof outcomeSchema>;

/** Leads from a form to `path`, whose page takes the outcome. */
export function backTo(c: Context, path: string, outcome: Outcome): Response {
  setCookie(c, cookieName, JSON.stringify(outcome), { ...ownCookie(c), maxAge: cookieSeconds });
  return c.redirect(path, 303);
}

/**
 * @returns the outcome that this page was led to with, or null. It is gone then: a reload does not show it again. A
 * page that only brings itself up to date (`/live.js`) leaves it to the visit that is under way.
 */
export function takeOutcome(c: Context): Outcome | null {
  if (c.req.header("X-Live") !== undefined) return null;
  const text = getCookie(c, cookieName, ownCookie(c).prefix);
  if (text === undefined) return null;
  deleteCookie(c, cookieName, ownCookie(c));
  return readOutcome(text);
}

/** @returns null for what is not an outcome: a cookie is the browser's to change. */
function readOutcome(text: string): Outcome | null {
  try {
    return outcomeSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Shows an outcome, if there is one. Screen readers say it. */
export function OutcomeNotice({ outcome }: { outcome: Outcome | null }) {
  if (outcome === null) return null;
  const { tone, text } = outcome;
  return (
    <p class={`notice ${tone}`} role={tone === "good" ? "status" : "alert"}>
      {text}
    </p>
  );
}
