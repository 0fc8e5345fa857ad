/** Teams: Workflows' webhooks, which post the Adaptive Cards among a message's attachments, and the connectors of before. */
import {
  object,
  objects,
  parseObject,
  refuse,
  renderMarkdown,
  type Shown,
  type StandIn,
  string,
} from "./types";

const bytesMax = 28 * 1024;

/**
 * Workflows answer 202 before they look at the message (learn.microsoft.com, "Create incoming webhooks with Workflows"):
 * what is wrong with it shows only in that nothing appears.
 */
export const teams: StandIn = ({ url, headers, body }) => {
  const isWorkflow = new URL(url).pathname.includes("/workflows/");
  if (isWorkflow && !headers.get("Content-Type")?.startsWith("application/json")) return refuse(400, "");
  const shown = show(body);
  if (isWorkflow) return { status: 202, body: "", shown };
  const failure =
    "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 400";
  return shown === null ? refuse(200, failure) : { status: 200, body: "1", shown };
};

function show(body: string): Shown | null {
  const message = parseObject(body);
  if (message === null || message["type"] !== "message") return null;
  // "The message size limit is 28 KB."
  if (new TextEncoder().encode(body).length > bytesMax) return null;
  const [attachment, ...others] = objects(message["attachments"]);
  if (attachment?.["contentType"] !== "application/vnd.microsoft.card.adaptive" || others.length > 0)
    return null;
  const card = object(attachment["content"]);
  // Teams takes versions up to 1.5 in cards of webhooks.
  if (card["type"] !== "AdaptiveCard" || !/^1\.[0-5]$/.test(string(card["version"]))) return null;
  const shown: Shown = { text: "", notification: string(message["summary"]), links: [], pings: [] };
  const lines = objects(card["body"]).map((element) => readElement(element, shown));
  for (const action of objects(card["actions"])) {
    if (action["type"] !== "Action.OpenUrl" || !/^https?:\/\//.test(string(action["url"]))) return null;
    shown.links.push({ text: string(action["title"]), url: string(action["url"]) });
  }
  shown.text = lines.join("\n");
  return lines.includes(null) || lines.length === 0 ? null : shown;
}

/** The Adaptive Cards schema. Null for what is none of it. */
function readElement(element: Record<string, unknown>, shown: Shown): string | null {
  switch (element["type"]) {
    case "Container": {
      const styles = ["default", "emphasis", "good", "attention", "warning", "accent"];
      if (!styles.includes(string(element["style"]))) return null;
      const lines = objects(element["items"]).map((item) => readElement(item, shown));
      return lines.includes(null) ? null : lines.join("\n");
    }
    case "TextBlock": {
      const { text, links } = renderMarkdown(string(element["text"]));
      shown.links.push(...links);
      return text === ""
        ? null
        : text.replaceAll(/\{\{(?:DATE|TIME)\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)(?:,SHORT)?\)\}\}/g, "$1");
    }
    case "RichTextBlock": {
      const runs = objects(element["inlines"]);
      if (runs.length === 0 || runs.some((run) => run["type"] !== "TextRun" || string(run["text"]) === ""))
        return null;
      for (const run of runs) {
        const { type, url } = object(run["selectAction"]);
        if (type === "Action.OpenUrl") shown.links.push({ text: string(run["text"]), url: string(url) });
      }
      return runs.map((run) => string(run["text"])).join("");
    }
    default:
      return null;
  }
}
