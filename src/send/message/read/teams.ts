/** Adaptive Cards, as Teams shows them. */
import type { Fields } from "../event-fields";
import { labelled, linkOf, listAt, nothing, objectAt, type Read, textAt, withIcon } from "./base";

const teamsColors: Record<string, string> = {
  good: "#2e9e5b",
  attention: "#d93025",
  warning: "#c47f00",
  accent: "#1a73e8",
};

export function readTeams(body: Fields): Read {
  const [attachment = {}] = listAt(body, "attachments");
  const card = objectAt(attachment, "content");
  const [box = {}, ...below] = listAt(card, "body");
  const [head = "", ...lines] = listAt(box, "items").map(runText);
  const [action = {}] = listAt(card, "actions");
  const footer = below.map(
    (block) => textAt(block, "text").replace(/^\{\{DATE\(([^,]*),SHORT\)\}\}.*$/, "$1") || runText(block),
  );
  return {
    ...nothing,
    ...withIcon(head),
    notification: textAt(body, "summary"),
    color: teamsColors[textAt(box, "style")] ?? null,
    fields: lines.map((line) => labelled(line, ": ")),
    link: linkOf(textAt(action, "title"), textAt(action, "url")),
    footer: footer.join(" · "),
  };
}

function runText(block: Fields): string {
  return listAt(block, "inlines")
    .map((inline) => textAt(inline, "text"))
    .join("");
}
