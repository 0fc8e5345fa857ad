/** Mattermost's incoming webhooks (developers.mattermost.com, "Incoming webhooks"; its server's handling of Slack's syntax). */
import { objects, parseObject, refuse, renderMarkdown, type Shown, type StandIn, string } from "./types";

export const mattermost: StandIn = ({ headers, body }) => {
  const message = headers.get("Content-Type")?.startsWith("application/json") ? parseObject(body) : null;
  if (message === null)
    return failed("web.incoming_webhook.parse.app_error", "Unable to parse incoming data.");
  const attachments = objects(message["attachments"]);
  if (string(message["text"]) === "" && attachments.length === 0) {
    return failed("web.incoming_webhook.text.app_error", "No text specified.");
  }
  const shown: Shown = { text: "", notification: "", links: [], pings: [] };
  shown.notification = read(string(message["text"]), shown);
  const lines = attachments.flatMap((attachment) => {
    const url = string(attachment["title_link"]);
    if (url !== "") shown.links.push({ text: string(attachment["title"]), url });
    const fields = objects(attachment["fields"]).map(
      (field) => `${string(field["title"])}: ${read(string(field["value"]), shown)}`,
    );
    return [read(string(attachment["text"]), shown)].concat(fields, string(attachment["footer"]));
  });
  shown.text = [shown.notification, ...lines].join("\n");
  return { status: 200, body: "ok", shown };
};

/** Slack's announcements and links are translated first; what mentions is looked for in the text. */
function read(source: string, shown: Shown): string {
  const translated = source
    .replaceAll(/<!(channel|here|all|everyone)>/g, "@$1")
    .replaceAll(/<((?:https?|mailto|ftp):[^|>]+)\|([^>]+)>/g, "[$2]($1)");
  const { text, links } = renderMarkdown(translated);
  shown.links.push(...links);
  shown.pings.push(...(text.match(/(?<!\w)@(?:channel|all|here|[a-z][\w.-]+)/gi) ?? []));
  return text;
}

function failed(id: string, message: string): ReturnType<StandIn> {
  return refuse(400, { id, message, detailed_error: "", request_id: "x", status_code: 400 });
}
