/** Reads Telegram's messages. */
import type { Fields } from "../event-fields";
import { htmlText, labelled, linkOf, nothing, type Read, textAt, unescapeHtml, withIcon } from "./base";

export function readTelegram(body: Fields): Read {
  const [head = "", ...lines] = textAt(body, "text").split("\n");
  const linked = lines.findLast((line) => line.endsWith(">Open in Orchest</a>")) ?? "";
  const [, url = "", label = ""] = /^<a href="([^"]*)">(.*)<\/a>$/.exec(linked) ?? [];
  const events = lines.slice(0, -1).filter((line) => line !== linked && !line.startsWith("<b>"));
  return {
    ...nothing,
    ...withIcon(htmlText(head)),
    notification: htmlText(head),
    text: htmlText(events.join("\n")),
    fields: lines.filter((line) => line.startsWith("<b>")).map((line) => labelled(htmlText(line), ": ")),
    link: linkOf(label, unescapeHtml(url)),
    footer: htmlText(lines.at(-1) ?? ""),
  };
}
