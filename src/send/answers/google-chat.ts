/** Responses of Google Chat: errors in the format of Google's APIs (cloud.google.com/apis/design/errors). */
import { type AnswerReader, jsonOf, objectOf, textOf, words } from "./meaning";

/** Google reports a wrong key or token as an invalid argument, too. */
const urlText =
  /\bapi key\b|\bwebhook\b|\bvalid token\b|\binvalid token\b|\btoken (?:is |was )?(?:not valid|invalid|expired)/i;
/** Errors of the message, which may quote any name or value of it. */
const messageText = /^invalid JSON payload|^unknown name|^invalid value at|cannot find field/i;

const gone = new Set(["NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED"]);

/** Reads a response of Google Chat. */
export const readGoogleChatAnswer: AnswerReader = ({ status, body }) => {
  if (status < 400) return null;
  const error = objectOf(jsonOf(body)["error"]);
  const name = textOf(error["status"]) ?? "";
  const message = textOf(error["message"]);
  const reason = words("Google Chat", message ?? name);
  const isOfUrl = urlText.test(message ?? "") && !messageText.test(message ?? "");
  if (gone.has(name) || (name === "INVALID_ARGUMENT" && isOfUrl)) return { kind: "gone", reason };
  return name === "INVALID_ARGUMENT" ? { kind: "refused", reason } : null;
};
