/** Messages for Microsoft Teams: a message with an Adaptive Card, for workflows and connectors. */
import { appearanceOf } from "../appearance";
import type { BuiltMessage } from "../build-message";
import { type DigestLine, withFittingLines } from "../digest";
import { bytesOf } from "../fit";
import type { Notice } from "../notice";
import { isConnector } from "../recognise-service";
import { escapeHtml } from "../escape-html";
import type { Outcome } from "../sentence";

/** The limit of learn.microsoft.com, "Create incoming webhooks": "The message size limit is 28 KB". */
const bodyBytesMax = 28_000;

/** Adaptive Cards, "Colors" and "ContainerStyle". */
const colors: Record<Outcome, "Good" | "Attention" | "Warning" | "Accent" | "Default"> = {
  success: "Good",
  failure: "Attention",
  cancelled: "Warning",
  started: "Accent",
  info: "Default",
};
const styles = {
  Good: "good",
  Attention: "attention",
  Warning: "warning",
  Accent: "accent",
  Default: "emphasis",
};

/**
 * Builds the message. It includes `delivered_for` and `event` if it stays within the size limit, because Teams does not
 * display larger messages.
 */
export function teamsMessage(notice: Notice): BuiltMessage {
  const { digest } = notice;
  const shown =
    digest === null
      ? shownOf(notice, [])
      : withFittingLines(
          digest,
          (lines) => shownOf(notice, lines),
          (text) => bytesOf(text) <= bodyBytesMax,
        );
  const whole = `${shown.slice(0, -1)},${notice.envelope}}`;
  const body = bytesOf(whole) <= bodyBytesMax ? whole : shown;
  return { body, contentType: "application/json" };
}

function shownOf(notice: Notice, lines: readonly DigestLine[]): string {
  return JSON.stringify({
    type: "message",
    summary: titleOf(notice),
    // For connectors, as in earlier versions, which sent no cards.
    ...(isConnector(notice.url) && { text: escapeTeams(titleOf(notice)) }),
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        contentUrl: null,
        content: cardOf(notice, lines),
      },
    ],
  });
}

/** Escapes Markdown and HTML. */
function escapeTeams(text: string): string {
  return escapeHtml(text.replaceAll(/[\\`*_{}[\]()#~|]/g, String.raw`\$&`));
}

function titleOf({ sentence }: Notice): string {
  return `${appearanceOf(sentence.outcome).icon} ${sentence.title}`;
}

function cardOf(notice: Notice, lines: readonly DigestLine[]): object {
  const { sentence, type, occurredAt, webhook } = notice;
  const color = colors[sentence.outcome];
  const items = [
    run([{ text: titleOf(notice), weight: "Bolder", size: "Medium" }]),
    ...sentence.facts.map(({ label, value }) =>
      run([{ text: `${label}: `, weight: "Bolder" }, { text: value }], "Small"),
    ),
    ...lines.map(({ text, link }) =>
      run([{ text, ...(link !== null && { selectAction: { type: "Action.OpenUrl", url: link } }) }], "Small"),
    ),
  ];
  const { link } = sentence;
  return {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    fallbackText: titleOf(notice),
    msteams: { width: "Full" },
    body: [
      { type: "Container", style: styles[color], bleed: true, items },
      run([{ text: type || webhook.name || "Orchest", isSubtle: true, size: "Small" }]),
      ...(occurredAt === null ? [] : [timeBlock(occurredAt)]),
    ],
    ...(link !== null && { actions: [{ type: "Action.OpenUrl", title: "Open in Orchest", url: link }] }),
  };
}

/**
 * @returns a block of text runs, which are literal: unlike in other texts of a card, Markdown and macros have no
 *   effect.
 */
function run(inlines: object[], spacing?: "Small"): object {
  return {
    type: "RichTextBlock",
    inlines: inlines.map((inline) => ({ type: "TextRun", ...inline })),
    ...(spacing && { spacing }),
  };
}

/**
 * @returns a time that Teams displays in the reader's zone (learn.microsoft.com, "Text features in Adaptive Cards",
 *   "Date example").
 */
function timeBlock(ms: number): object {
  const time = `${new Date(ms).toISOString().slice(0, 19)}Z`;
  return {
    type: "TextBlock",
    text: `{{DATE(${time},SHORT)}} {{TIME(${time})}}`,
    isSubtle: true,
    size: "Small",
    spacing: "None",
  };
}
