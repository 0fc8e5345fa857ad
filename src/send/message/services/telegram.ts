/** Messages for Telegram: text in Telegram's HTML. */
import { appearanceOf } from "../appearance";
import type { BuiltMessage } from "../build-message";
import { type DigestLine, withFittingLines } from "../digest";
import { invisibleBreak } from "../fit";
import { type Notice, utcMinute } from "../notice";
import { escapeHtml } from "../escape-html";

/** The limit of core.telegram.org/bots/api, "sendMessage", in characters "after entities parsing". */
const textLengthMax = 4096;

/** Builds the message. If it would be too long, the last facts, or the last events of a digest, are left out. */
export function telegramMessage(notice: Notice): BuiltMessage {
  const { sentence, digest, type, occurredAt, webhook, options } = notice;
  const { link, facts, outcome } = sentence;
  const title = `${appearanceOf(outcome).icon} <b>${escapeTelegram(sentence.title)}</b>`;
  const footer = [type || webhook.name || "Orchest", occurredAt === null ? null : utcMinute(occurredAt)];
  const last = [
    ...(link === null ? [] : [`<a href="${escapeHtml(link)}">Open in Orchest</a>`]),
    `<i>${escapeTelegram(footer.filter(Boolean).join(" · "))}</i>`,
  ];
  let left = textLengthMax - [title, ...last].join("\n").length;
  const events =
    digest === null
      ? []
      : withFittingLines(
          digest,
          (shown) => shown.map(lineText),
          (texts) => texts.join("\n").length < left,
        );
  const lines = facts.flatMap(({ label, value }) => {
    const line = `<b>${label}:</b> ${escapeTelegram(value)}`;
    left -= line.length + 1;
    return left < 0 ? [] : [line];
  });
  const thread = options["message_thread_id"];
  return {
    body: JSON.stringify({
      ...(options["chat_id"] && { chat_id: options["chat_id"] }),
      ...(thread && { message_thread_id: Number(thread) }),
      text: [title, ...lines, ...events, ...last].join("\n"),
      parse_mode: "HTML",
      link_preview_options: { is_disabled: true },
    }),
    contentType: "application/json",
  };
}

function lineText({ text, link }: DigestLine): string {
  const html = escapeTelegram(text);
  return link === null ? html : `<a href="${escapeHtml(link)}">${html}</a>`;
}

/**
 * Escapes HTML, and adds invisible breaks: `@name` would notify that user, and `/command` and `#tag` would be links,
 * for which Telegram has no escape.
 */
function escapeTelegram(text: string): string {
  return escapeHtml(text).replaceAll(/@(?=\w)|#(?=\w)|(?<![\w/&;])\/(?=\w)/g, `$&${invisibleBreak}`);
}
