/** Reads messages for Mattermost and Rocket.Chat. */
import type { Fields } from "../event-fields";
import { linkOf, listAt, nothing, type Read, textAt, unescapeMarkdown, withIcon } from "./base";

export function readMattermost(body: Fields): Read {
  const [attachment = {}] = listAt(body, "attachments");
  const text = unescapeMarkdown(textAt(body, "text"));
  return {
    ...nothing,
    ...withIcon(text),
    notification: text,
    text: unescapeMarkdown(textAt(attachment, "text").replaceAll(/ \[Open\]\(\S*\)$/gm, "")),
    color: textAt(attachment, "color") || null,
    fields: listAt(attachment, "fields").map((field) => ({
      label: textAt(field, "title"),
      value: unescapeMarkdown(textAt(field, "value")),
    })),
    link: linkOf(textAt(attachment, "title"), textAt(attachment, "title_link")),
    footer: textAt(attachment, "footer"),
  };
}
