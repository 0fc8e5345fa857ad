/** Responses of Opsgenie (docs.opsgenie.com/docs/response, "Rate limits"). */
import { type AnswerReader, jsonOf, objectOf, textOf, waitOf, words } from "./meaning";

/** Payment required (402), and errors of the key. */
const goneStatuses = new Set([401, 402, 403]);

/** Reads a response of Opsgenie. */
export const readOpsgenieAnswer: AnswerReader = ({ status, headers, body }) => {
  if (status < 400) return null;
  const json = jsonOf(body);
  const message = textOf(json["message"]);
  const [field] = Object.entries(objectOf(json["errors"]));
  const reason = words(
    "Opsgenie",
    message,
    field === undefined ? undefined : `${field[0]} ${textOf(field[1]) ?? ""}`,
  );
  if (status === 429) {
    const asked = headers.get("Retry-After") ?? headers.get("X-RateLimit-Period-In-Sec");
    return { kind: "failed", retryAfterMs: waitOf(asked, 1000), reason };
  }
  if (message === undefined) return null;
  if (goneStatuses.has(status) || /^key\b|\bapi ?key\b/i.test(message)) return { kind: "gone", reason };
  return status === 400 || status === 422 ? { kind: "refused", reason } : null;
};
