/** Events for PagerDuty's Events API v2: a failure opens an incident, a later success of the same job resolves it. */
import { alertActionOf, alertKeyOf } from "../alert-key";
import type { BuiltMessage } from "../build-message";
import { cutText, objectAt, textOf } from "../event-fields";
import type { Notice } from "../notice";

/**
 * The limit of `payload.summary` (developer.pagerduty.com, "Send an alert event"). A sentence has at most 250
 * characters.
 */
const summaryCharactersMax = 1024;

/** Builds an event that triggers or resolves an incident. */
export function pagerdutyMessage(notice: Notice): BuiltMessage {
  const { options } = notice;
  const action = alertActionOf(notice);
  const head = { routing_key: options["routing_key"], dedup_key: alertKeyOf(notice) };
  const event =
    action === "resolve"
      ? { ...head, event_action: "resolve", payload: payloadOf(notice, "info") }
      : {
          ...head,
          event_action: "trigger",
          payload: payloadOf(notice, action === "open" ? (options["severity"] ?? "error") : "info"),
          client: "Orchest",
          ...linksOf(notice),
        };
  return { body: JSON.stringify(event), contentType: "application/json" };
}

function payloadOf(notice: Notice, severity: string): object {
  const { sentence, fields, occurredAt, type } = notice;
  const project = textOf(objectAt(fields, "project"), "name");
  const job = textOf(objectAt(fields, "project", "job"), "name");
  return {
    summary: cutText(sentence.title, summaryCharactersMax),
    source: project ?? "Orchest",
    severity,
    ...(occurredAt !== null && { timestamp: new Date(occurredAt).toISOString() }),
    ...(job !== null && { component: job }),
    ...(project !== null && { group: project }),
    ...(type !== "" && { class: type }),
    custom_details: Object.fromEntries(sentence.facts.map(({ label, value }) => [label, value])),
  };
}

function linksOf({ sentence: { link } }: Notice): object {
  return link === null ? {} : { client_url: link, links: [{ href: link, text: "Open in Orchest" }] };
}
