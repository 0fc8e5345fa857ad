/** Messages for Mattermost and Rocket.Chat: a text in Markdown and an attachment. */
import { appearanceOf } from "../appearance";
import type { BuiltMessage } from "../build-message";
import { type DigestLine, withFittingLines } from "../digest";
import { fitEscaped, invisibleBreak } from "../fit";
import { type Notice, utcMinute } from "../notice";

/**
 * The limits of developers.mattermost.com, "Incoming webhooks" and "Message attachments". A longer text would become
 * several posts.
 */
const textLengthMax = 4000;
const valueLengthMax = 2000;

/** Builds the message. Both services ignore unknown members, and Rocket.Chat has the same members in attachments. */
export function mattermostMessage({ sentence, digest, type, occurredAt, webhook }: Notice): BuiltMessage {
  const { icon, color } = appearanceOf(sentence.outcome);
  const footer = [type || webhook.name || "Orchest", occurredAt === null ? null : utcMinute(occurredAt)];
  const attachment = {
    fallback: fitEscaped(sentence.title, textLengthMax, escapeMattermost),
    color,
    ...(sentence.link !== null && { title: "Open in Orchest", title_link: sentence.link }),
    ...(digest !== null && {
      text: withFittingLines(
        digest,
        (lines) => lines.map(lineText).join("\n"),
        (text) => text.length <= textLengthMax,
      ),
    }),
    fields: sentence.facts.map(({ label, value }) => ({
      title: label,
      value: fitEscaped(value, valueLengthMax, escapeMattermost),
      short: value.length <= 40,
    })),
    footer: footer.filter(Boolean).join(" · "),
  };
  const text = `${icon} ${fitEscaped(sentence.title, textLengthMax, escapeMattermost)}`;
  return { body: JSON.stringify({ text, attachments: [attachment] }), contentType: "application/json" };
}

function lineText({ text, link }: DigestLine): string {
  const shown = escapeMattermost(text);
  // The text itself is no link: within one, its brackets would need escapes. A parenthesis would end the link.
  return link === null ? shown : `${shown} [Open](${link.replaceAll("(", "%28").replaceAll(")", "%29")})`;
}

/**
 * Makes Markdown literal where both services, and Discord's endpoint for Slack messages, display the same. Only `*`,
 * `~`, backquotes and the underscores at the edges of words need backslashes. Rocket.Chat displays other backslashes,
 * and `\(` and `\[` begin formulas there (`packages/message-parser` of its source). Invisible breaks prevent the rest:
 * mentions, Slack's `<!channel>` and `<https://…|…>`, which Mattermost translates before it parses Markdown, links,
 * emoji such as `:fire:`, spoilers, and what has a meaning at the start of a line.
 */
function escapeMattermost(text: string): string {
  return text
    .replaceAll(/[@<#\\]|\](?=\()|\|(?=\|)|:(?=[\w.+-]+:)/g, `$&${invisibleBreak}`)
    .replaceAll(/[*~`]|(?<![a-z0-9])_|_(?![a-z0-9])/gi, String.raw`\$&`)
    .replace(/^(?=[>+[-]|\d+[.)])/, invisibleBreak);
}
