/** Telegram's messages. */
import type { Fields } from "../event-fields";
import { htmlText, labelled, linkOf, nothing, type Read, textAt, unescapeHtml, withIcon } from "./base";

export function readTelegram(body: Fields): Read {
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
