/** Messages for Google Chat: a card, and a plain text for notifications. */
import { appearanceOf } from "../appearance";
import type { BuiltMessage } from "../build-message";
import { type DigestLine, withFittingLines } from "../digest";
import { escapeHtml } from "../escape-html";
import { bytesOf } from "../fit";
import { type Notice, utcMinute } from "../notice";

/** developers.google.com/workspace/chat/api, "Message": "The maximum message size, including text and cards, is 32,000 bytes". */
const bodyBytesMax = 32_000;

/**
 * Builds the message. In the field `text`, a mention such as `<users/all>` could not be escaped. Therefore, all texts
 * are in the card, which formats a subset of HTML (developers.google.com/workspace/add-ons/concepts/widgets, "Text
 * formatting"), and in `fallbackText`, which is plain. The texts of one event are short, so that its message stays far
 * below 32,000 bytes.
 */
export function googleChatMessage(notice: Notice): BuiltMessage {
  const { digest } = notice;
  const body =
    digest === null
      ? bodyOf(notice, [])
      : withFittingLines(
          digest,
          (lines) => bodyOf(notice, lines),
          (text) => bytesOf(text) <= bodyBytesMax,
        );
  return { body, contentType: "application/json; charset=UTF-8" };
}

function bodyOf(notice: Notice, lines: readonly DigestLine[]): string {
  const { sentence, type, occurredAt, webhook } = notice;
  const { icon, color } = appearanceOf(sentence.outcome);
  const footer = [type || webhook.name || "Orchest", occurredAt === null ? null : utcMinute(occurredAt)];
  const widgets = [
    { textParagraph: { text: `${icon} <b><font color="${color}">${escapeHtml(sentence.title)}</font></b>` } },
    ...sentence.facts.map(({ label, value }) => ({
      decoratedText: { topLabel: label, text: escapeHtml(value), wrapText: true },
    })),
    ...lines.map(({ text, link }) => ({ textParagraph: { text: linked(escapeHtml(text), link) } })),
    ...(sentence.link === null ? [] : [linkButton(sentence.link)]),
    { textParagraph: { text: `<i>${escapeHtml(footer.filter(Boolean).join(" · "))}</i>` } },
  ];
  return JSON.stringify({
    fallbackText: `${icon} ${sentence.title}`,
    cardsV2: [{ cardId: "orchest", card: { sections: [{ widgets }] } }],
  });
}

function linked(html: string, link: string | null): string {
  return link === null ? html : `<a href="${escapeHtml(link)}">${html}</a>`;
}

function linkButton(url: string): object {
  return { buttonList: { buttons: [{ text: "Open in Orchest", onClick: { openLink: { url } } }] } };
}
