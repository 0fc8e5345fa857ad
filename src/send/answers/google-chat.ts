/** Google Chat's answers: an error as Google's APIs have it (cloud.google.com/apis/design/errors). */
import { type AnswerReader, jsonOf, objectOf, textOf, words } from "./meaning";

const gone = new Set(["NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED"]);

export const readGoogleChatAnswer: AnswerReader = ({ status, body }) => {
  if (status < 400) return null;
  const error = objectOf(jsonOf(body)["error"]);
  const name = textOf(error["status"]) ?? "";
  const message = textOf(error["message"]);
  const reason = words("Google Chat", message ?? name);
  // A key or token that is wrong is an invalid argument to Google.
  const isOfUrl = /api key|token|webhook/i.test(message ?? "");
  if (gone.has(name) || (name === "INVALID_ARGUMENT" && isOfUrl)) return { kind: "gone", reason };
  return name === "INVALID_ARGUMENT" ? { kind: "refused", reason } : null;
};
