/** What became of a form: a word in the address that the form leads back to, and a sentence for each. */
import type { Context } from "hono";

const outcomes = {
  delivered: { tone: "good", text: "The test ping was delivered: the receiver answered with success." },
  undelivered: {
    tone: "bad",
    text: "The test ping was not delivered: the receiver cannot be reached, or answered with an error.",
  },
  paused: {
    tone: "good",
    text: "The webhook was paused: what comes is kept, and nothing is sent until it is resumed.",
  },
  resumed: { tone: "good", text: "The webhook was resumed: what was kept is sent, in order." },
  "still-disabled": {
    tone: "warn",
    text: "The webhook is disabled and sends nothing already: it cannot be paused. Resume it to send again.",
  },
  resent: { tone: "good", text: "It is being sent again. Reload the page to see what came of it." },
  skipped: { tone: "good", text: "The delivery was given up, and the line moves on." },
  unconfirmed: { tone: "warn", text: "Nothing was done: tick the box to confirm giving the delivery up." },
  finished: { tone: "warn", text: "The delivery is finished already: there is nothing to give up." },
  behind: {
    tone: "warn",
    text: "The delivery waits behind another one, which is tried first: send that one again, or give it up.",
  },
  inactive: {
    tone: "warn",
    text: "The webhook is paused or disabled and sends nothing: resume it first.",
  },
} as const;

export type Outcome = keyof typeof outcomes;

/** Leads from a form to `path` (with or without a query), which shows the outcome. */
export function backTo(c: Context, path: string, outcome: Outcome): Response {
  return c.redirect(`${path}${path.includes("?") ? "&" : "?"}outcome=${outcome}`, 303);
}

/** The outcome in the page's address, if any. @param about what it was done to, where the page does not tell. */
export function OutcomeNotice({ c, about }: { c: Context; about?: string }) {
  const word = c.req.query("outcome") ?? "";
  if (!isOutcome(word)) return null;
  const { tone, text } = outcomes[word];
  return (
    <p class={`notice ${tone}`} role={tone === "good" ? "status" : "alert"}>
      {about && <strong>{about}: </strong>}
      {text}
    </p>
  );
}

function isOutcome(word: string): word is Outcome {
  return Object.hasOwn(outcomes, word);
}
