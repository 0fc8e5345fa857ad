/** Telegram's sendMessage (core.telegram.org/bots/api). */
import { parseObject, refuse, renderHtml, type Shown, type StandIn, string } from "./types";

const tags = /^<\/?(?:b|strong|i|em|u|s|code|pre|blockquote|a)(?: href="[^"<>]*")?>$/;

export const telegram: StandIn = ({ url, headers, body }) => {
  const query = new URL(url).searchParams;
  const message = headers.get("Content-Type")?.startsWith("application/json") ? parseObject(body) : null;
  if (message === null) return failed(400, "Bad Request: message text is empty");
  const chat = message["chat_id"] ?? query.get("chat_id");
  if (typeof chat !== "number" && !/^(?:-?\d+|@\w+)$/.test(string(chat)))
    return failed(400, "Bad Request: chat_id is empty");
  const source = string(message["text"]);
  if (message["parse_mode"] !== "HTML") return failed(400, "Bad Request: unsupported parse_mode");
  const wrong = source.match(/<[^>]*>?/g)?.find((tag) => !tags.test(tag));
  if (wrong !== undefined || /&(?!(?:lt|gt|amp|quot);)/.test(source)) {
    return failed(400, `Bad Request: can't parse entities: Unsupported start tag "${wrong ?? ""}"`);
  }
  const text = renderHtml(source);
  if (text.trim() === "") return failed(400, "Bad Request: message text is empty");
  // "1-4096 characters after entities parsing".
  if (text.length > 4096) return failed(400, "Bad Request: message is too long");
  const links = Array.from(source.matchAll(/<a href="([^"]*)">(.*?)<\/a>/g), ([, href = "", label = ""]) => ({
    url: renderHtml(href),
    text: renderHtml(label),
  }));
  // Names of users, commands and tags become links by themselves.
  const pings = text.match(/(?<!\w)@\w{4,}/g) ?? [];
  const shown: Shown = { text, notification: text.split("\n")[0] ?? "", links, pings };
  return { status: 200, body: '{"ok":true,"result":{"message_id":1}}', shown };
};

function failed(code: number, description: string): ReturnType<StandIn> {
  return refuse(code, { ok: false, error_code: code, description });
}
