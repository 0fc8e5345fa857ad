/** Reads PagerDuty's events, as its incidents display them. */
import type { Fields } from "../event-fields";
import { linkOf, listAt, nothing, objectAt, type Read, textAt } from "./base";

export function readPagerduty(body: Fields): Read {
  const summary = textAt(body, "payload", "summary");
  const details = Object.entries(objectAt(objectAt(body, "payload"), "custom_details"));
  const [link = {}] = listAt(body, "links");
  const isResolving = textAt(body, "event_action") === "resolve";
  const severity = textAt(body, "payload", "severity");
  return {
    ...nothing,
    notification: isResolving ? "" : summary,
    title: summary,
    text: isResolving ? "" : `Severity: ${severity}`,
    fields: details.map(([label, value]) => ({ label, value: String(value) })),
    link: linkOf(textAt(link, "text"), textAt(link, "href")),
    footer: textAt(body, "payload", "timestamp"),
    effect: isResolving
      ? "Resolves the open incident of what it is about. Nothing is shown when none is open."
      : "Opens an incident, or adds to the one that is open for what it is about.",
  };
}
