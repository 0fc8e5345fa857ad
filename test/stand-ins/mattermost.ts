/** Mattermost's incoming webhooks (developers.mattermost.com, "Incoming webhooks"; its server's handling of Slack's syntax). */
import {
  objects,
  parseObject,
  readAttachments,
  refuse,
  renderEmoji,
  renderMarkdown,
  type Shown,
  type StandIn,
  string,
} from "./types";

/**
 * In characters (`PostMessageMaxRunesV1`, `PostPropsMaxUserRunes` of the server's source). A longer text is split into
 * posts, of which a notification has the first only.
 */
const textMax = 4000;
const attachmentsMax = 760_000;

export const mattermost: StandIn = ({ headers, body }) => {
  const message = headers.get("Content-Type")?.startsWith("application/json") ? parseObject(body) : null;
  if (message === null)
    return failed("web.incoming_webhook.parse.app_error", "Unable to parse incoming data.");
  const attachments = objects(message["attachments"]);
  if (string(message["text"]) === "" && attachments.length === 0) {
    return failed("web.incoming_webhook.text.app_error", "No text specified.");
  }
  if (Array.from(string(message["text"])).length > textMax) return { status: 200, body: "ok", shown: null };
  if (JSON.stringify(attachments).length > attachmentsMax)
    return failed("web.incoming_webhook.split_props_length.app_error", "Unable to split props.");
  const shown: Shown = { text: "", notification: "", links: [], pings: [] };
  readAttachments(message, shown, read);
  return { status: 200, body: "ok", shown };
};

/**
 * Slack's announcements and links are translated first; what mentions is looked for in the text. A name between colons is
 * an emoji. The start of a line may be a list, a quotation, a heading, or a definition of which nothing is shown.
 */
function read(source: string, shown: Shown): string {
  const translated = source
    .replaceAll(/<!(channel|here|all|everyone)>/g, "@$1")
    .replaceAll(/<((?:https?|mailto|ftp):[^|>]+)\|([^>]+)>/g, "[$2]($1)");
  const lines = translated.replaceAll(/^(?:\[[^\]]+\]: .*|(?:[-+>]|#+|\d+[.)]) )/gm, "");
  const { text, links } = renderMarkdown(renderEmoji(lines));
  shown.links.push(...links);
  shown.pings.push(...(text.match(/(?<!\w)@(?:channel|all|here|[a-z][\w.-]+)/gi) ?? []));
  return text;
}

function failed(id: string, message: string): ReturnType<StandIn> {
  return refuse(400, { id, message, detailed_error: "", request_id: "x", status_code: 400 });
}
