/** Messages for Discord: the sentence as content, and an embed with the rest. */
import { appearanceOf } from "../appearance";
import type { BuiltMessage } from "../build-message";
import { fitEscaped } from "../fit";
import type { Notice } from "../notice";

/** docs.discord.com, "Execute Webhook" and "Embed Limits". Counted here in UTF-16 units, of which a character may be two. */
const contentLengthMax = 2000;
const valueLengthMax = 1024;
const fieldsMax = 25;
const embedLengthMax = 6000;
const footerLengthMax = 200;

/** Shown as typed: Markdown is escaped, and `allowed_mentions` lets nothing ping. */
export function discordMessage(notice: Notice): BuiltMessage {
  const { sentence, envelope, options } = notice;
  const content = fitEscaped(
    sentence.title,
    contentLengthMax - 4,
    (text) => `${appearanceOf(sentence.outcome).icon} ${escapeDiscord(text)}`,
  );
  const shown = JSON.stringify({
    content,
    embeds: [embedOf(notice)],
    allowed_mentions: { parse: [] },
    ...(options["thread_name"] && { thread_name: options["thread_name"] }),
  });
  const { deliveredFor, event } = envelope;
  return {
    body: `{"delivered_for":${deliveredFor},"event":${event},${shown.slice(1)}`,
    contentType: "application/json",
  };
}

/** A backslash makes any punctuation literal. What has a meaning only where a line begins is escaped there. */
function escapeDiscord(text: string): string {
  return text.replaceAll(/[\\*_~`|[\]<@]/g, String.raw`\$&`).replace(/^(?:[#>+-]|\d+(?=[.)]))/, startEscaped);
}

function startEscaped(start: string): string {
  return /\d/.test(start) ? `${start}\\` : `\\${start}`;
}

function embedOf({ sentence, type, occurredAt, webhook }: Notice): object {
  const footer = (type || webhook.name || "Orchest").slice(0, footerLengthMax).toWellFormed();
  const link = sentence.link === null ? {} : { title: "Open in Orchest", url: sentence.link };
  let left = embedLengthMax - footer.length - "Open in Orchest".length;
  const fields = sentence.facts.slice(0, fieldsMax).flatMap(({ label, value }) => {
    const shown = fitEscaped(value, valueLengthMax, escapeDiscord);
    left -= label.length + shown.length;
    return left < 0 ? [] : [{ name: label, value: shown, inline: shown.length <= 40 }];
  });
  return {
    ...link,
    color: Number.parseInt(appearanceOf(sentence.outcome).color.slice(1), 16),
    ...(fields.length > 0 && { fields }),
    footer: { text: footer },
    ...(occurredAt !== null && { timestamp: new Date(occurredAt).toISOString() }),
  };
}
