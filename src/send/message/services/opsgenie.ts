/** Alerts for Opsgenie, and for Jira Service Management: a later success of the same job closes a failure's alert. */
import { alertActionOf, alertKeyOf } from "../alert-key";
import type { BuiltMessage } from "../build-message";
import { cutText, objectAt, textOf } from "../event-fields";
import { fitEscaped } from "../fit";
import { type Notice, utcMinute } from "../notice";

/**
 * The limit of `message`, in UTF-16 units (docs.opsgenie.com, "Create Alert"). The description begins with the whole
 * sentence.
 */
const messageLengthMax = 130;
const descriptionCharactersMax = 15_000;
const detailCharactersMax = 1000;

/** Builds a request that creates or closes an alert. */
export function opsgenieMessage(notice: Notice): BuiltMessage {
  const { sentence, options } = notice;
  const action = alertActionOf(notice);
  const alias = alertKeyOf(notice);
  const key = options["api_key"];
  const sent = {
    contentType: "application/json",
    ...(key && { headers: { Authorization: `GenieKey ${key}` }, secretHeaders: ["Authorization"] }),
  };
  if (action === "resolve") {
    return {
      ...sent,
      body: JSON.stringify({ source: "Orchest", note: sentence.text }),
      // docs.opsgenie.com, "Close Alert".
      target: { path: `/${encodeURIComponent(alias)}/close`, query: { identifierType: "alias" } },
    };
  }
  const priority = action === "open" ? (options["priority"] ?? "P3") : "P5";
  return { ...sent, body: JSON.stringify(alertOf(notice, { alias, priority })) };
}

function alertOf(notice: Notice, { alias, priority }: { alias: string; priority: string }): object {
  const { sentence, fields, type, occurredAt } = notice;
  const project = textOf(objectAt(fields, "project"), "name");
  const { link } = sentence;
  const time = occurredAt === null ? null : utcMinute(occurredAt);
  const lines = [sentence.text, link === null ? null : `Open in Orchest: ${link}`, time];
  return {
    message: fitEscaped(sentence.title, messageLengthMax, (text) => text),
    alias,
    description: cutText(lines.filter(Boolean).join("\n"), descriptionCharactersMax),
    details: Object.fromEntries([
      ...sentence.facts.map(({ label, value }) => [label, cutText(value, detailCharactersMax)]),
      ...(link === null ? [] : [["Link", link]]),
    ]),
    ...(type !== "" && { tags: ["orchest", sentence.outcome] }),
    ...(project !== null && { entity: project }),
    source: "Orchest",
    priority,
  };
}
