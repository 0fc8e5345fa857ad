/** Responses of Telegram (core.telegram.org/bots/api, "Making requests", "ResponseParameters"). */
import { type AnswerReader, jsonOf, objectOf, textOf, waitOf, words } from "./meaning";

/** Descriptions of a 400 that concern the chat and not the message. */
const goneText =
  /chat not found|chat_id is empty|peer_id_invalid|upgraded to a supergroup|thread not found|topic_(?:closed|deleted)|not enough rights|have no rights|need administrator rights|chat_write_forbidden|user is deactivated/i;

/** Reads a response of Telegram: `{"ok", "error_code", "description", "parameters"}`. */
export const readTelegramAnswer: AnswerReader = ({ status, body }) => {
  const json = jsonOf(body);
  if (json["ok"] === true || (json["ok"] === undefined && status < 400)) return null;
  const code = typeof json["error_code"] === "number" ? json["error_code"] : status;
  const { retry_after, migrate_to_chat_id } = objectOf(json["parameters"]);
  const moved =
    typeof migrate_to_chat_id === "number" ? `the chat's new id is ${migrate_to_chat_id}` : undefined;
  const description = textOf(json["description"]) ?? "";
  const reason = words("Telegram", description, moved);
  if (code === 429) return { kind: "failed", retryAfterMs: waitOf(retry_after, 1000), reason };
  // 401 and 404: the bot's token is wrong. 403: the bot was blocked, or removed from the chat.
  const isOfBot = json["ok"] === false && (code === 401 || code === 403 || code === 404);
  if (isOfBot || goneText.test(description)) return { kind: "gone", reason };
  if (code === 400) return { kind: "refused", reason };
  return status < 400 ? { kind: "failed", retryAfterMs: null, reason } : null;
};
