/** The sentence of an event, with the link to its page in Orchest. */
import { readConfig } from "../../platform/config";
import { sentenceOfText } from "../../send/message/event-text";
import type { Outcome } from "../../send/message/sentence";

const tones: Record<Outcome, string> = {
  success: "good",
  failure: "bad",
  cancelled: "warn",
  started: "info",
  info: "info",
};

/** @param props.text the event's source text. */
export function EventSentence({ env, text }: { env: Env; text: string }) {
  const { title, outcome, link } = sentenceOfText(text, { orchestUrl: readConfig(env).orchestUrl });
  return (
    <p class={`notice ${tones[outcome]} event-sentence`}>
      {title}
      {link !== null && (
        <>
          {" "}
          <a href={link} rel="noreferrer">
            Open in Orchest
          </a>
        </>
      )}
    </p>
  );
}
