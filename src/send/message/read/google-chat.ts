/** Reads the cards of Google Chat. */
import type { Fields } from "../event-fields";
import { htmlText, linkOf, listAt, nothing, objectAt, type Read, textAt, withIcon } from "./base";

export function readGoogleChat(body: Fields): Read {
  const [card = {}] = listAt(body, "cardsV2");
  const widgets = listAt(objectAt(card, "card"), "sections").flatMap((section) => listAt(section, "widgets"));
  const paragraphs = widgets.map((widget) => textAt(widget, "textParagraph", "text")).filter(Boolean);
  const [title = "", ...lines] = paragraphs;
  const footer = lines.pop() ?? "";
  const button = widgets.flatMap((widget) => listAt(objectAt(widget, "buttonList"), "buttons"))[0] ?? {};
  return {
    ...nothing,
    ...withIcon(htmlText(title)),
    notification: textAt(body, "fallbackText"),
    text: htmlText(lines.join("\n")),
    color: /color="(#\w{6})"/.exec(title)?.[1] ?? null,
    fields: widgets
      .map((widget) => objectAt(widget, "decoratedText"))
      .filter((text) => textAt(text, "text") !== "")
      .map((text) => ({ label: textAt(text, "topLabel"), value: htmlText(textAt(text, "text")) })),
    link: linkOf(textAt(button, "text"), textAt(button, "onClick", "openLink", "url")),
    footer: htmlText(footer),
  };
}
