/** Messages for Discord: the sentence as content, and an embed with the rest. */
import { appearanceOf } from "../appearance";
import type { BuiltMessage } from "../build-message";
import { type DigestLine, withFittingLines } from "../digest";
import { fitEscaped } from "../fit";
import type { Notice } from "../notice";

/**
 * The limits of docs.discord.com, "Execute Webhook" and "Embed Limits". They are counted in UTF-16 units here, which is
 * stricter.
 */
const contentLengthMax = 2000;
const valueLengthMax = 1024;
const fieldsMax = 25;
/** Of 4096, so that the whole embed stays within its 6000. */
const descriptionLengthMax = 3500;
const embedLengthMax = 6000;
const footerLengthMax = 200;

/** Builds the message. Texts are literal: Markdown is escaped, and `allowed_mentions` prevents mentions. */
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
  return {
    body: `{${envelope},${shown.slice(1)}`,
    contentType: "application/json",
  };
}

/**
 * Escapes punctuation with backslashes, also the colon of an emoji such as `:fire:`. Characters with a meaning only at
 * the start of a line are escaped there.
 */
function escapeDiscord(text: string): string {
  return text
    .replaceAll(/[\\*_~`|[\]<@]|:(?=[\w+-]+:)/g, String.raw`\$&`)
    .replace(/^(?:[#>+-]|\d+(?=[.)]))/, startEscaped);
}

function startEscaped(start: string): string {
  return /\d/.test(start) ? `${start}\\` : `\\${start}`;
}

function descriptionOf({ digest }: Notice): string {
  if (digest === null) return "";
  return withFittingLines(
    digest,
    (lines) => lines.map(lineText).join("\n"),
    (text) => text.length <= descriptionLengthMax,
  );
}

function lineText({ text, link }: DigestLine): string {
  const label = escapeDiscord(text);
  // A parenthesis would end the link.
  return link === null ? label : `[${label}](${link.replaceAll("(", "%28").replaceAll(")", "%29")})`;
}

function embedOf(notice: Notice): object {
  const { sentence, type, occurredAt, webhook } = notice;
  const description = descriptionOf(notice);
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
    ...(description !== "" && { description }),
    color: Number.parseInt(appearanceOf(sentence.outcome).color.slice(1), 16),
    ...(fields.length > 0 && { fields }),
    footer: { text: footer },
    ...(occurredAt !== null && { timestamp: new Date(occurredAt).toISOString() }),
  };
}
