/** Reads Slack's messages. */
import type { Fields } from "../event-fields";
import {
  labelled,
  linkOf,
  listAt,
  nothing,
  objectAt,
  type Read,
  textAt,
  unescapeHtml,
  withIcon,
} from "./base";
import { readMattermost } from "./mattermost";

export function readSlack(body: Fields): Read {
  // Discord's endpoint for Slack messages gets the same message as Mattermost.
  if (listAt(body, "attachments").length > 0) return { ...readMattermost(body), displayedBy: "discord" };
  const blocks = listAt(body, "blocks");
  if (blocks.length === 0) {
    const title = textAt(body, "title") || textAt(body, "text");
    const names = ["text", "outcome", "link", "type", "time"].filter((name) => textAt(body, name) !== "");
    const fields = names.map((label) => ({ label, value: textAt(body, label) }));
    const effect = "Starts the workflow, which shows the variables that it names.";
    return { ...nothing, notification: title, title, fields, effect };
  }
  const [head, ...rest] = blocks;
  const title = withIcon(unescapeHtml(textAt(head, "text", "text")));
  const fields = rest
    .flatMap((block) => listAt(block, "fields"))
    .filter((field) => field["type"] === "plain_text")
    .map((field) => labelled(unescapeHtml(textAt(field, "text")), "\n"));
  const texts = rest.map((block) => objectAt(block, "text"));
  const [, url = "", label = ""] =
    texts.map((text) => /^<([^|]*)\|(.*)>$/.exec(textAt(text, "text"))).find(Boolean) ?? [];
  const lines = texts.filter((text) => text["type"] === "plain_text").map((text) => textAt(text, "text"));
  const footer = rest
    .flatMap((block) => listAt(block, "elements"))
    .map((element) => unescapeHtml(textAt(element, "text").replace(/^<!date\^[^|]*\|([^>]*)>$/, "$1")));
  return {
    ...nothing,
    ...title,
    notification: unescapeHtml(textAt(body, "text")),
    text: unescapeHtml(lines.join("\n")),
    fields,
    link: linkOf(label, unescapeHtml(url)),
    footer: footer.join(" · "),
  };
}
