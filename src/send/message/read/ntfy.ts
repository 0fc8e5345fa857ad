/** Reads ntfy's notifications. */
import type { BuiltMessage } from "../build-message";
import { isFields } from "../event-fields";
import { linkOf, listOf, nothing, type Read, textAt } from "./base";

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
