/** Responses of ntfy: `{"code": 40101, "http": 401, "error": "…"}` (the errors of its server). */
import { type AnswerReader, jsonOf, textOf, words } from "./meaning";

/** Reads a response of ntfy. */
export const readNtfyAnswer: AnswerReader = ({ status, body }) => {
  const json = jsonOf(body);
  if (status < 400 || typeof json["code"] !== "number") return null;
  const reason = words("ntfy", textOf(json["error"]));
  if (status === 401 || status === 403) return { kind: "gone", reason };
  return status === 400 || status === 413 ? { kind: "refused", reason } : null;
};
