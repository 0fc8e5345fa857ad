/** Reads Opsgenie's alerts. */
import type { BuiltMessage } from "../build-message";
import type { Fields } from "../event-fields";
import { labelled, linkOf, nothing, objectAt, type Read, textAt } from "./base";

export function readOpsgenie(body: Fields, { target }: BuiltMessage): Read {
  if (target !== undefined) {
    const [title = "", ...lines] = textAt(body, "note").split("\n");
    const effect = "Closes the open alert of what it is about. Nothing is shown when none is open.";
    return { ...nothing, notification: "", title, fields: lines.map((line) => labelled(line, ": ")), effect };
  }
  const message = textAt(body, "message");
  const details = Object.entries(objectAt(body, "details")).filter(([label]) => label !== "Link");
  return {
    ...nothing,
    notification: message,
    title: textAt(body, "description").split("\n")[0] ?? message,
    text: `Priority: ${textAt(body, "priority")}`,
    fields: details.map(([label, value]) => ({ label, value: String(value) })),
    link: linkOf("Open in Orchest", textAt(body, "details", "Link")),
    effect: "Opens an alert, or adds to the one that is open for what it is about.",
  };
}
