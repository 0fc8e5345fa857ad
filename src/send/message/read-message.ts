/** Reads messages back as each service shows them: escapes and markup undone. */
import type { BuiltMessage } from "./build-message";
import { type Fields, isFields } from "./event-fields";
import type { ServiceFormat } from "./formats";

/** What a person sees. Texts are plain. */
export type Read = {
  /** What a phone shows before the message is opened. */
  notification: string;
  title: string;
  /** What stands below the title; may be empty. */
  text: string;
  /** `#rrggbb`, where the service shows a colour. */
  color: string | null;
  /** An emoji, where the service shows one. */
  icon: string | null;
  fields: { label: string; value: string }[];
  link: { label: string; url: string } | null;
  /** A small last line, such as the time; may be empty. */
  footer: string;
  /** What the message does beyond being shown, such as resolving an incident; null: nothing. */
  effect: string | null;
};

/** The services whose bodies are JSON. */
type JsonService = Exclude<ServiceFormat, "orchest" | "cloudevents" | "template" | "ntfy">;

const nothing = { text: "", color: null, icon: null, fields: [], link: null, footer: "", effect: null };

export const bodyReaders: Record<JsonService, (body: Fields, message: BuiltMessage) => Read> = {
  slack: readSlack,
  discord: readDiscord,
  teams: readTeams,
  google_chat: readGoogleChat,
  mattermost: readMattermost,
  telegram: readTelegram,
  pagerduty: readPagerduty,
  opsgenie: readOpsgenie,
};

function readSlack(body: Fields): Read {
  // Discord's endpoint for messages of Slack gets what Mattermost gets.
  if (listAt(body, "attachments").length > 0) return readMattermost(body);
  const blocks = listAt(body, "blocks");
  if (blocks.length === 0) {
    const title = textAt(body, "title") || textAt(body, "text");
    const names = ["text", "outcome", "link", "type", "time"].filter((name) => textAt(body, name) !== "");
    const fields = names.map((label) => ({ label, value: textAt(body, label) }));
    const effect = "Starts the workflow, which shows the variables that it names.";
    return { ...nothing, notification: title, title, fields, effect };
  }
  const [head, ...rest] = blocks;
  const title = withIcon(unescapeHtml(textAt(head, "text", "text")));
  const fields = rest
    .flatMap((block) => listAt(block, "fields"))
    .map((field) => labelled(unescapeHtml(textAt(field, "text")), "\n"));
  const [, url = "", label = ""] =
    /^<([^|]*)\|(.*)>$/.exec(rest.map((block) => textAt(block, "text", "text")).find(Boolean) ?? "") ?? [];
  const footer = rest
    .flatMap((block) => listAt(block, "elements"))
    .map((element) => unescapeHtml(textAt(element, "text").replace(/^<!date\^[^|]*\|([^>]*)>$/, "$1")));
  return {
    ...nothing,
    ...title,
    notification: unescapeHtml(textAt(body, "text")),
    fields,
    link: linkOf(label, unescapeHtml(url)),
    footer: footer.join(" · "),
  };
}

function readDiscord(body: Fields): Read {
  const content = withIcon(unescapeMarkdown(textAt(body, "content")));
  const [embed = {}] = listAt(body, "embeds");
  const color = embed["color"];
  return {
    ...nothing,
    ...content,
    notification: unescapeMarkdown(textAt(body, "content")),
    color: typeof color === "number" ? `#${color.toString(16).padStart(6, "0")}` : null,
    fields: listAt(embed, "fields").map((field) => ({
      label: textAt(field, "name"),
      value: unescapeMarkdown(textAt(field, "value")),
    })),
    link: linkOf(textAt(embed, "title"), textAt(embed, "url")),
    footer: [textAt(embed, "footer", "text"), textAt(embed, "timestamp")].filter(Boolean).join(" · "),
  };
}

const teamsColors: Record<string, string> = {
  good: "#2e9e5b",
  attention: "#d93025",
  warning: "#c47f00",
  accent: "#1a73e8",
};

function readTeams(body: Fields): Read {
  const [attachment = {}] = listAt(body, "attachments");
  const card = objectAt(attachment, "content");
  const [box = {}, ...below] = listAt(card, "body");
  const [head = "", ...lines] = listAt(box, "items").map(runText);
  const [action = {}] = listAt(card, "actions");
  const footer = below.map(
    (block) => textAt(block, "text").replace(/^\{\{DATE\(([^,]*),SHORT\)\}\}.*$/, "$1") || runText(block),
  );
  return {
    ...nothing,
    ...withIcon(head),
    notification: textAt(body, "summary"),
    color: teamsColors[textAt(box, "style")] ?? null,
    fields: lines.map((line) => labelled(line, ": ")),
    link: linkOf(textAt(action, "title"), textAt(action, "url")),
    footer: footer.join(" · "),
  };
}

function runText(block: Fields): string {
  return listAt(block, "inlines")
    .map((inline) => textAt(inline, "text"))
    .join("");
}

function readGoogleChat(body: Fields): Read {
  const [card = {}] = listAt(body, "cardsV2");
  const widgets = listAt(objectAt(card, "card"), "sections").flatMap((section) => listAt(section, "widgets"));
  const paragraphs = widgets.map((widget) => textAt(widget, "textParagraph", "text")).filter(Boolean);
  const [title = "", footer = ""] = paragraphs;
  const button = widgets.flatMap((widget) => listAt(objectAt(widget, "buttonList"), "buttons"))[0] ?? {};
  return {
    ...nothing,
    ...withIcon(htmlText(title)),
    notification: textAt(body, "fallbackText"),
    color: /color="(#\w{6})"/.exec(title)?.[1] ?? null,
    fields: widgets
      .map((widget) => objectAt(widget, "decoratedText"))
      .filter((text) => textAt(text, "text") !== "")
      .map((text) => ({ label: textAt(text, "topLabel"), value: htmlText(textAt(text, "text")) })),
    link: linkOf(textAt(button, "text"), textAt(button, "onClick", "openLink", "url")),
    footer: htmlText(footer),
  };
}

function readMattermost(body: Fields): Read {
  const [attachment = {}] = listAt(body, "attachments");
  const text = unescapeMarkdown(textAt(body, "text"));
  return {
    ...nothing,
    ...withIcon(text),
    notification: text,
    color: textAt(attachment, "color") || null,
    fields: listAt(attachment, "fields").map((field) => ({
      label: textAt(field, "title"),
      value: unescapeMarkdown(textAt(field, "value")),
    })),
    link: linkOf(textAt(attachment, "title"), textAt(attachment, "title_link")),
    footer: textAt(attachment, "footer"),
  };
}

function readTelegram(body: Fields): Read {
  const [head = "", ...lines] = textAt(body, "text").split("\n");
  const [, url = "", label = ""] =
    lines.map((line) => /^<a href="([^"]*)">(.*)<\/a>$/.exec(line)).find(Boolean) ?? [];
  return {
    ...nothing,
    ...withIcon(htmlText(head)),
    notification: htmlText(head),
    fields: lines.filter((line) => line.startsWith("<b>")).map((line) => labelled(htmlText(line), ": ")),
    link: linkOf(label, unescapeHtml(url)),
    footer: htmlText(lines.at(-1) ?? ""),
  };
}

function readPagerduty(body: Fields): Read {
  const summary = textAt(body, "payload", "summary");
  const details = Object.entries(objectAt(objectAt(body, "payload"), "custom_details"));
  const [link = {}] = listAt(body, "links");
  const isResolving = textAt(body, "event_action") === "resolve";
  const severity = textAt(body, "payload", "severity");
  return {
    ...nothing,
    notification: isResolving ? "" : summary,
    title: summary,
    text: isResolving ? "" : `Severity: ${severity}`,
    fields: details.map(([label, value]) => ({ label, value: String(value) })),
    link: linkOf(textAt(link, "text"), textAt(link, "href")),
    footer: textAt(body, "payload", "timestamp"),
    effect: isResolving
      ? "Resolves the open incident of what it is about. Nothing is shown when none is open."
      : "Opens an incident, or adds to the one that is open for what it is about.",
  };
}

function readOpsgenie(body: Fields, { target }: BuiltMessage): Read {
  if (target !== undefined) {
    const [title = "", ...lines] = textAt(body, "note").split("\n");
    const effect = "Closes the open alert of what it is about. Nothing is shown when none is open.";
    return { ...nothing, notification: "", title, fields: lines.map((line) => labelled(line, ": ")), effect };
  }
  const message = textAt(body, "message");
  const details = Object.entries(objectAt(body, "details")).filter(([label]) => label !== "Link");
  return {
    ...nothing,
    notification: message,
    title: textAt(body, "description").split("\n")[0] ?? message,
    text: `Priority: ${textAt(body, "priority")}`,
    fields: details.map(([label, value]) => ({ label, value: String(value) })),
    link: linkOf("Open in Orchest", textAt(body, "details", "Link")),
    effect: "Opens an alert, or adds to the one that is open for what it is about.",
  };
}

const ntfyIcons: Record<string, string> = {
  white_check_mark: "✅",
  x: "❌",
  no_entry_sign: "🚫",
  arrow_forward: "▶️",
  information_source: "ℹ️",
};

/** ntfy's message has its parts in headers, or in JSON for the root of a server. */
export function readNtfy({ body, headers }: BuiltMessage): Read {
  const parsed: unknown = headers === undefined ? JSON.parse(body) : {};
  const json = isFields(parsed) ? parsed : {};
  const header = (name: string): string => decodeWords(headers?.[name] ?? "");
  const tags = headers === undefined ? listOf(json["tags"]).map(String) : header("Tags").split(",");
  const title = header("Title") || textAt(json, "title");
  const lines = (headers === undefined ? textAt(json, "message") : body).split("\n");
  const priority = headers === undefined ? String(json["priority"]) : header("Priority");
  return {
    ...nothing,
    icon: ntfyIcons[tags[0] ?? ""] ?? null,
    notification: title,
    title,
    text: lines.join("\n"),
    link: linkOf("Open in Orchest", header("Click") || textAt(json, "click")),
    footer: [`Priority ${priority}`, ...tags.slice(1)].join(" · "),
  };
}

function decodeWords(text: string): string {
  const words = [...text.matchAll(/=\?UTF-8\?B\?([^?]*)\?=/g)].map(([, word = ""]) =>
    Uint8Array.fromBase64(word),
  );
  return words.length === 0 ? text : words.map((bytes) => new TextDecoder().decode(bytes)).join("");
}

function withIcon(text: string): { icon: string | null; title: string } {
  const [, icon = null, title = text] = /^(✅|❌|🚫|▶️|ℹ️) (.*)$/su.exec(text) ?? [];
  return { icon, title };
}

function labelled(text: string, separator: string): { label: string; value: string } {
  const at = text.indexOf(separator);
  return { label: text.slice(0, at), value: text.slice(at + separator.length) };
}

function linkOf(label: string, url: string): Read["link"] {
  return url === "" ? null : { label, url };
}

function htmlText(html: string): string {
  return unescapeHtml(html.replaceAll(/<[^>]*>/g, ""));
}

function unescapeHtml(text: string): string {
  return withoutBreaks(
    text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&"),
  );
}

function unescapeMarkdown(text: string): string {
  return withoutBreaks(text.replaceAll(/\\([^\s\w]|_)/g, "$1"));
}

function withoutBreaks(text: string): string {
  return text.replaceAll("\u200B", "");
}

function textAt(fields: Fields | undefined, ...path: string[]): string {
  let value: unknown = fields;
  for (const name of path) value = isFields(value) ? value[name] : undefined;
  return typeof value === "string" ? value : "";
}

function objectAt(fields: Fields | undefined, name: string): Fields {
  const value = fields?.[name];
  return isFields(value) ? value : {};
}

function listAt(fields: Fields | undefined, name: string): Fields[] {
  return listOf(fields?.[name]).filter(isFields);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
