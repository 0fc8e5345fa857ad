/** Reading a message back as its service shows it: escapes and markup undone. */
import { type Fields, isFields } from "../event-fields";

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

/** A message of which nothing was read yet. */
export const nothing = {
  text: "",
  color: null,
  icon: null,
  fields: [],
  link: null,
  footer: "",
  effect: null,
};

/** A title that begins with the icon of its outcome. */
export function withIcon(text: string): { icon: string | null; title: string } {
  const [, icon = null, title = text] = /^(✅|❌|🚫|▶️|ℹ️) (.*)$/su.exec(text) ?? [];
  return { icon, title };
}

/** `label: value`. */
export function labelled(text: string, separator: string): { label: string; value: string } {
  const at = text.indexOf(separator);
  return { label: text.slice(0, at), value: text.slice(at + separator.length) };
}

/** Null where there is no URL. */
export function linkOf(label: string, url: string): Read["link"] {
  return url === "" ? null : { label, url };
}

/** HTML as it is read. */
export function htmlText(html: string): string {
  return unescapeHtml(html.replaceAll(/<[^>]*>/g, ""));
}

/** Text with references of HTML. */
export function unescapeHtml(text: string): string {
  return withoutBreaks(
    text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&"),
  );
}

/** Text in which backslashes make Markdown literal. */
export function unescapeMarkdown(text: string): string {
  return withoutBreaks(text.replaceAll(/\\([^\s\w]|_)/g, "$1"));
}

/** Lines of Markdown, some of which are links as a whole. */
export function linesOf(markdown: string): string {
  return markdown
    .split("\n")
    .map((line) => unescapeMarkdown(/^\[(.*)\]\([^)]*\)$/.exec(line)?.[1] ?? line))
    .join("\n");
}

function withoutBreaks(text: string): string {
  return text.replaceAll("\u200B", "");
}

/** The text at a path of members; empty where there is none. */
export function textAt(fields: Fields | undefined, ...path: string[]): string {
  let value: unknown = fields;
  for (const name of path) value = isFields(value) ? value[name] : undefined;
  return typeof value === "string" ? value : "";
}

/** A member that is an object; an empty one for any other. */
export function objectAt(fields: Fields | undefined, name: string): Fields {
  const value = fields?.[name];
  return isFields(value) ? value : {};
}

/** The objects of a member that is a list. */
export function listAt(fields: Fields | undefined, name: string): Fields[] {
  return listOf(fields?.[name]).filter(isFields);
}

/** A value that is a list; an empty one for any other. */
export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
