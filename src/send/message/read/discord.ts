/** Reads Discord's messages. */
import type { Fields } from "../event-fields";
import { linesOf, linkOf, listAt, nothing, type Read, textAt, unescapeMarkdown, withIcon } from "./base";

export function readDiscord(body: Fields): Read {
  const content = withIcon(unescapeMarkdown(textAt(body, "content")));
  const [embed = {}] = listAt(body, "embeds");
  const color = embed["color"];
  return {
    ...nothing,
    ...content,
    notification: unescapeMarkdown(textAt(body, "content")),
    text: linesOf(textAt(embed, "description")),
    color: typeof color === "number" ? `#${color.toString(16).padStart(6, "0")}` : null,
    fields: listAt(embed, "fields").map((field) => ({
      label: textAt(field, "name"),
      value: unescapeMarkdown(textAt(field, "value")),
    })),
    link: linkOf(textAt(embed, "title"), textAt(embed, "url")),
    footer: [textAt(embed, "footer", "text"), textAt(embed, "timestamp")].filter(Boolean).join(" · "),
  };
}
