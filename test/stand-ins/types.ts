/** What the stand-ins of services have in common: each answers a request as its service documents it. */

type ServiceRequest = { url: string; headers: Headers; body: string };

/** What people get to see of a message, with all markup rendered. */
export type Shown = {
  /** Everything that is readable, a line each. */
  text: string;
  /** What a phone shows. */
  notification: string;
  links: { text: string; url: string }[];
  /** Who is pinged. */
  pings: string[];
};

/** `shown` is null when nothing appears anywhere. */
export type ServiceAnswer = {
  status: number;
  body: string;
  headers?: Record<string, string>;
  shown: Shown | null;
};

export type StandIn = (request: ServiceRequest) => ServiceAnswer;

/** JSON of any shape, for reading without casts. */
type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** An answer without a message. */
export function refuse(status: number, body: unknown): ServiceAnswer {
  return { status, body: typeof body === "string" ? body : JSON.stringify(body), shown: null };
}

/** @returns the body's JSON object, or null for what is none. */
export function parseObject(body: string): Record<string, Json> | null {
  try {
    const parsed = JSON.parse(body) as Json;
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @returns the objects of a list; none for what is no list. */
export function objects(value: unknown): Record<string, Json>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function object(value: unknown): Record<string, Json> {
  return isObject(value) ? value : {};
}

export function string(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** HTML as it is read: tags away, references replaced. */
export function renderHtml(html: string): string {
  const references: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"' };
  return html.replaceAll(/<[^>]*>/g, "").replaceAll(/&(?:lt|gt|amp|quot);/g, (one) => references[one] ?? one);
}

/** Markdown's inline links, and its text as it is read: backslashes before punctuation are away. */
export function renderMarkdown(markdown: string): { text: string; links: Shown["links"] } {
  const links: Shown["links"] = [];
  const escaped = markdown.replaceAll(
    /\\([!-/:-@[-`{-~])/g,
    (_, one: string) => `\uE000${one.codePointAt(0)}\uE001`,
  );
  const rendered = escaped
    .replaceAll(/\[([^\]]+)\]\(([^)\s]+)\)/g, (_, text: string, url: string) => {
      links.push({ text, url });
      return text;
    })
    .replaceAll(/(\*\*|__|\*|~~|`|\|\|)(?=\S)(.+?)(?<=\S)\1/g, "$2")
    .replaceAll(/(?<!\w)_(?=\S)(.+?)(?<=\S)_(?!\w)/g, "$1");
  const text = rendered.replaceAll(/\uE000(\d+)\uE001/g, (_, code: string) =>
    String.fromCodePoint(Number(code)),
  );
  return { text, links };
}

/** The members of Slack's messages that other services read, too: a text, and attachments with fields and a link. */
export function readAttachments(
  message: Record<string, unknown>,
  shown: Shown,
  read: (markdown: string, shown: Shown) => string,
): void {
  shown.notification = read(string(message["text"]), shown);
  const lines = objects(message["attachments"]).flatMap((attachment) => {
    const url = string(attachment["title_link"]);
    if (url !== "") shown.links.push({ text: string(attachment["title"]), url });
    const fields = objects(attachment["fields"]).map(
      (field) => `${string(field["title"])}: ${read(string(field["value"]), shown)}`,
    );
    return [read(string(attachment["text"]), shown)].concat(fields, string(attachment["footer"]));
  });
  shown.text = [shown.notification, ...lines].join("\n");
}

/** Emoji by their names, as chats show them; a backslash makes the name literal. */
export function renderEmoji(text: string): string {
  return text.replaceAll(/(?<!\\):[\w.+-]+:/g, "(an emoji)");
}
