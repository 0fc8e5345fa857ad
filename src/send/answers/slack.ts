/**
 * Responses of Slack: an error code as plain text (docs.slack.dev, "Sending messages using incoming webhooks",
 * "Handling errors").
 */
import { type AnswerReader, jsonOf, textOf, words } from "./meaning";

/** The webhook, its channel or its team no longer exists or no longer accepts messages. */
const gone = new Set([
  "account_inactive",
  "action_prohibited",
  "channel_is_archived",
  "channel_not_found",
  "invalid_token",
  "no_active_hooks",
  "no_service",
  "no_service_id",
  "no_team",
  "posting_to_general_channel_denied",
  "team_disabled",
  "token_revoked",
  "trigger_not_found",
  "user_not_found",
  "workflow_not_published",
]);

/** The message is not valid. */
const refused = new Set([
  "invalid_attachments",
  "invalid_blocks",
  "invalid_blocks_format",
  "invalid_json",
  "invalid_payload",
  "invalid_webhook_format",
  "missing_text_or_fallback_or_attachments",
  "msg_blocks_too_long",
  "msg_too_long",
  "no_text",
  "parameter_validation_failed",
  "title_too_long",
  "too_many_attachments",
]);

/** Reads a response of Slack. The webhooks of workflows respond with `{"ok": false, "error": "…"}`, some with a 200. */
export const readSlackAnswer: AnswerReader = ({ status, body }) => {
  const json = jsonOf(body);
  const error = textOf(json["error"]) ?? body.trim();
  const [word = ""] = /^\w+/.exec(error) ?? [];
  if (gone.has(word)) return { kind: "gone", reason: words("Slack", error) };
  if (refused.has(word)) return { kind: "refused", reason: words("Slack", error) };
  if (status < 300 && json["ok"] === false) {
    return { kind: "failed", retryAfterMs: null, reason: words("Slack", error) };
  }
  return null;
};
