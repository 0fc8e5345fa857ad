/** Messages for Google Chat: a card, and a plain text for notifications. */
import { appearanceOf } from "../appearance";
import type { BuiltMessage } from "../build-message";
import { escapeHtml } from "../escape-html";
import { type Notice, utcMinute } from "../notice";

/**
 * In a message's `text` a name such as `<users/all>` would ping, and nothing can be escaped: all texts are in the card, in
 * which a subset of HTML is formatted (developers.google.com/workspace/add-ons/concepts/widgets, "Text formatting"), and in
 * `fallbackText`, which is plain. Every text of an event is short: a message stays far below 32,000 bytes.
 */
export function googleChatMessage(notice: Notice): BuiltMessage {
  const { sentence, type, occurredAt, webhook } = notice;
  const { icon, color } = appearanceOf(sentence.outcome);
  const footer = [type || webhook.name || "Orchest", occurredAt === null ? null : utcMinute(occurredAt)];
  const widgets = [
    { textParagraph: { text: `${icon} <b><font color="${color}">${escapeHtml(sentence.title)}</font></b>` } },
    ...sentence.facts.map(({ label, value }) => ({
      decoratedText: { topLabel: label, text: escapeHtml(value), wrapText: true },
    })),
    ...(sentence.link === null ? [] : [linkButton(sentence.link)]),
    { textParagraph: { text: `<i>${escapeHtml(footer.filter(Boolean).join(" · "))}</i>` } },
  ];
  return {
    body: JSON.stringify({
      fallbackText: `${icon} ${sentence.title}`,
      cardsV2: [{ cardId: "orchest", card: { sections: [{ widgets }] } }],
    }),
    contentType: "application/json; charset=UTF-8",
  };
}

function linkButton(url: string): object {
  return { buttonList: { buttons: [{ text: "Open in Orchest", onClick: { openLink: { url } } }] } };
}
