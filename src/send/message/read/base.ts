/** Reads a message back as its service displays it, with escapes and markup decoded. */
import { type Fields, isFields } from "../event-fields";
import type { ServiceFormat } from "../formats";

/** A message as a person sees it. Texts are plain. */
export type Read = {
  /** The text of the notification on a phone. */
  notification: string;
  title: string;
  /** The text below the title; may be empty. */
  text: string;
  /** `#rrggbb`; null when the service displays no colour. */
  color: string | null;
  /** An emoji; null when the service displays none. */
  icon: string | null;
  fields: { label: string; value: string }[];
  link: { label: string; url: string } | null;
  /** A small last line, such as the time; may be empty. */
  footer: string;
  /** The effect of the message beside being displayed, such as resolving an incident; null: none. */
  effect: string | null;
  /** The service that displays it, if that is not the one of the format. */
  displayedBy?: ServiceFormat;
};

/** The default values of the parts. */
export const nothing = {
  text: "",
  color: null,
  icon: null,
  fields: [],
  link: null,
  footer: "",
  effect: null,
};

/** Splits a title that begins with the icon of its outcome. */
export function withIcon(text: string): { icon: string | null; title: string } {
  const [, icon = null, title = text] = /^(✅|❌|🚫|▶️|ℹ️) (.*)$/su.exec(text) ?? [];
  return { icon, title };
}

/** Splits a text such as `label: value`. */
export function labelled(text: string, separator: string): { label: string; value: string } {
  const at = text.indexOf(separator);
  return { label: text.slice(0, at), value: text.slice(at + separator.length) };
}

/** @returns the link; null when there is no URL. */
export function linkOf(label: string, url: string): Read["link"] {
  return url === "" ? null : { label, url };
}

/** @returns the text of HTML. */
export function htmlText(html: string): string {
  return unescapeHtml(html.replaceAll(/<[^>]*>/g, ""));
}

/** @returns the text with its character references decoded. */
export function unescapeHtml(text: string): string {
  return withoutBreaks(
    text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&"),
  );
}

/** @returns the text without the backslashes that escape Markdown. One before an invisible break is literal. */
export function unescapeMarkdown(text: string): string {
  return withoutBreaks(text.replaceAll(/\\([^\s\w\u200B]|_)/g, "$1"));
}

/** @returns lines of Markdown as text. A line may be a link as a whole. */
export function linesOf(markdown: string): string {
  return markdown
    .split("\n")
    .map((line) => unescapeMarkdown(/^\[(.*)\]\([^)]*\)$/.exec(line)?.[1] ?? line))
    .join("\n");
}

function withoutBreaks(text: string): string {
  return text.replaceAll("\u200B", "");
}

/** @returns the text at a path of members; empty when there is none. */
export function textAt(fields: Fields | undefined, ...path: string[]): string {
  let value: unknown = fields;
  for (const name of path) value = isFields(value) ? value[name] : undefined;
  return typeof value === "string" ? value : "";
}

/** @returns a member that is an object; an empty object for any other. */
export function objectAt(fields: Fields | undefined, name: string): Fields {
  const value = fields?.[name];
  return isFields(value) ? value : {};
}

/** @returns the objects in a member that is an array. */
export function listAt(fields: Fields | undefined, name: string): Fields[] {
  return listOf(fields?.[name]).filter(isFields);
}

/** @returns the value if it is an array, otherwise an empty array. */
export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
