/** Responses of Google Chat: errors in the format of Google's APIs (cloud.google.com/apis/design/errors). */
import { type AnswerReader, jsonOf, objectOf, textOf, words } from "./meaning";

const gone = new Set(["NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED"]);

/** Reads a response of Google Chat. */
export const readGoogleChatAnswer: AnswerReader = ({ status, body }) => {
  if (status < 400) return null;
  const error = objectOf(jsonOf(body)["error"]);
  const name = textOf(error["status"]) ?? "";
  const message = textOf(error["message"]);
  const reason = words("Google Chat", message ?? name);
  // Google reports a wrong key or token as an invalid argument.
  const isOfUrl = /api key|token|webhook/i.test(message ?? "");
  if (gone.has(name) || (name === "INVALID_ARGUMENT" && isOfUrl)) return { kind: "gone", reason };
  return name === "INVALID_ARGUMENT" ? { kind: "refused", reason } : null;
};
