/** Responses of Mattermost (with the error ids of its server) and Rocket.Chat. */
import { type AnswerReader, jsonOf, textOf, words } from "./meaning";

const goneId =
  /^(?:api|web)\.incoming_webhook\.(?:channel|channel_locked|disabled|invalid|permissions|user)\b|archived|deleted/;
const refusedId = /^web\.incoming_webhook\.(?:parse|split_props_length|text)\b/;
/** Error messages of Rocket.Chat, which has no error ids. */
const goneText = /invalid integration id|integration (?:is )?disabled|invalid room|archived/i;

/** Reads a response of Mattermost or Rocket.Chat, whose failures may have a 200 with `"success": false`. */
export const readMattermostAnswer: AnswerReader = ({ status, body }) => {
  const json = jsonOf(body);
  const id = textOf(json["id"]) ?? "";
  const error = textOf(json["message"]) ?? textOf(json["error"]) ?? "";
  if (status < 400 && json["success"] !== false) return null;
  const reason = words(id === "" ? "Rocket.Chat" : "Mattermost", error);
  if (goneId.test(id) || goneText.test(error)) return { kind: "gone", reason };
  if (refusedId.test(id)) return { kind: "refused", reason };
  return status < 400 ? { kind: "failed", retryAfterMs: null, reason } : null;
};
