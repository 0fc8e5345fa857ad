/** Responses of PagerDuty (developer.pagerduty.com, "Events API v2", "Response codes and retry logic"). */
import { type AnswerReader, jsonOf, textOf, words } from "./meaning";

/** Reads a response of PagerDuty: its 400 is permanent, and about the key or about the message. */
export const readPagerdutyAnswer: AnswerReader = ({ status, body }) => {
  if (status !== 400) return null;
  const json = jsonOf(body);
  const errors = Array.isArray(json["errors"]) ? json["errors"].flatMap((error) => textOf(error) ?? []) : [];
  if (errors.length === 0 && json["message"] === undefined) return null;
  const reason = words("PagerDuty", textOf(json["message"]), errors.join(", "));
  return { kind: /routing.?key/i.test(errors.join(" ")) ? "gone" : "refused", reason };
};
