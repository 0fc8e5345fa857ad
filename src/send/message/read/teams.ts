/** Reads the Adaptive Cards of Teams. */
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
  const [head = {}, ...items] = listAt(box, "items");
  // A fact has a label and a value. An event of a digest has a single text.
  const facts = items.filter((item) => listAt(item, "inlines").length > 1).map(runText);
  const lines = items.filter((item) => listAt(item, "inlines").length === 1).map(runText);
  const [action = {}] = listAt(card, "actions");
  const footer = below.map(
    (block) => textAt(block, "text").replace(/^\{\{DATE\(([^,]*),SHORT\)\}\}.*$/, "$1") || runText(block),
  );
  return {
    ...nothing,
    ...withIcon(runText(head)),
    notification: textAt(body, "summary"),
    color: teamsColors[textAt(box, "style")] ?? null,
    text: lines.join("\n"),
    fields: facts.map((fact) => labelled(fact, ": ")),
    link: linkOf(textAt(action, "title"), textAt(action, "url")),
    footer: footer.join(" · "),
  };
}

function runText(block: Fields): string {
  return listAt(block, "inlines")
    .map((inline) => textAt(inline, "text"))
    .join("");
}
