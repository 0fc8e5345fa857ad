/** Messages for Slack: Block Kit, or the variables of a workflow. */
import { appearanceOf } from "../appearance";
import type { BuiltMessage } from "../build-message";
import { type DigestLine, withFittingLines } from "../digest";
import { fitEscaped } from "../fit";
import { type Notice, utcMinute } from "../notice";
import { isDiscordHost, isSlackWorkflow } from "../recognise-service";
import { mattermostMessage } from "./mattermost";

/** The limits of docs.slack.dev, "Header block", "Section block" and "Text object". */
const headerCharactersMax = 150;
const textCharactersMax = 3000;
const fieldCharactersMax = 2000;
const fieldsMax = 10;

/**
 * Builds the message. Texts from publishers are `plain_text`, in which Slack formats nothing, and escaped, so that they
 * contain no control sequence such as `<!channel>` or `<https://…|…>`.
 */
export function slackMessage(notice: Notice): BuiltMessage {
  if (isSlackWorkflow(notice.url)) return workflowMessage(notice);
  // Discord's endpoint for Slack messages displays a text and attachments in Markdown, but no blocks, and cannot prevent
  // mentions such as `@everyone` (docs.discord.com, "Execute Slack-Compatible Webhook").
  if (isDiscordHost(notice.url)) return mattermostMessage(notice);
  const { sentence, envelope } = notice;
  const title = `${appearanceOf(sentence.outcome).icon} ${sentence.title}`;
  const blocks = [
    titleBlock(title),
    ...factsBlock(notice),
    ...lineBlocks(notice),
    ...linkBlock(sentence.link),
    contextBlock(notice),
  ];
  // Phones display `text` in a notification.
  const shown = JSON.stringify({ text: escapeSlack(title), blocks });
  return {
    body: `{${envelope},${shown.slice(1)}`,
    contentType: "application/json",
  };
}

/**
 * Escapes `&`, `<` and `>`, the only control characters of Slack (docs.slack.dev, "Formatting message text", "Escaping
 * text").
 */
function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function titleBlock(title: string): object {
  const text = plain(title, textCharactersMax);
  return text.text.length <= headerCharactersMax ? { type: "header", text } : { type: "section", text };
}

function factsBlock({ sentence }: Notice): object[] {
  const fields = sentence.facts
    .slice(0, fieldsMax)
    .map(({ label, value }) => plain(`${label}\n${value}`, fieldCharactersMax));
  return fields.length === 0 ? [] : [{ type: "section", fields }];
}

/**
 * @returns a block for each event, and one with its link below it, because a text that contains a link would be
 *   formatted. All of them fit.
 */
function lineBlocks({ digest }: Notice): object[] {
  if (digest === null) return [];
  return withFittingLines<object[]>(
    digest,
    (lines) => lines.map(lineBlock),
    () => true,
  );
}

function lineBlock({ text, link }: DigestLine): object {
  return {
    type: "section",
    text: plain(text, textCharactersMax),
    ...(link !== null && { fields: [linkText(link, "Open this one")] }),
  };
}

/** @returns a link in a text. For a button, Slack would display a warning that the app does not respond to it. */
function linkBlock(link: string | null): object[] {
  return link === null ? [] : [{ type: "section", text: linkText(link, "Open in Orchest") }];
}

function linkText(link: string, label: string): { type: "mrkdwn"; text: string } {
  return { type: "mrkdwn", text: `<${escapeSlack(link.replaceAll("|", "%7C"))}|${label}>` };
}

function contextBlock({ type, occurredAt, webhook }: Notice): object {
  // Slack displays it in the reader's zone (docs.slack.dev, "Formatting message text", "Date formatting").
  const time =
    occurredAt === null
      ? []
      : [
          {
            type: "mrkdwn",
            text: `<!date^${Math.floor(occurredAt / 1000)}^{date_short_pretty} {time}|${utcMinute(occurredAt)}>`,
          },
        ];
  return {
    type: "context",
    elements: [...time, plain(type || webhook.name || "Orchest", textCharactersMax)],
  };
}

function plain(text: string, lengthMax: number): { type: "plain_text"; text: string; emoji: false } {
  return { type: "plain_text", text: fitEscaped(text, lengthMax, escapeSlack), emoji: false };
}

/**
 * The message for Workflow Builder, which accepts only flat texts, one for each variable of the workflow (slack.com/help,
 * "Create workflows that start with a webhook").
 */
function workflowMessage({ sentence, type, occurredAt }: Notice): BuiltMessage {
  const { title, outcome, link, text } = sentence;
  const time = occurredAt === null ? "" : utcMinute(occurredAt);
  return {
    body: JSON.stringify({ title, text, outcome, link: link ?? "", type, time }),
    contentType: "application/json",
  };
}
