/** Slack's answers (docs.slack.dev, "Sending messages using incoming webhooks", "Handling errors"): a word as text. */
import { type AnswerReader, jsonOf, textOf, words } from "./meaning";

/** The webhook, its channel or its team is not there any more, or takes nothing from it. */
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

/** What is wrong is the message. */
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

/** Workflows' webhooks answer `{"ok": false, "error": "…"}`, some with a 200. */
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
