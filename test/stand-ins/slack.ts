/** Slack's incoming webhooks, and the webhooks of Workflow Builder. */
import { object, objects, parseObject, refuse, type Shown, type StandIn, string } from "./types";

/** docs.slack.dev, "Sending messages using incoming webhooks", "Handling errors". */
export const slack: StandIn = ({ url, headers, body }) => {
  const { pathname } = new URL(url);
  if (!/^application\/json|^application\/x-www-form-urlencoded/.test(headers.get("Content-Type") ?? "")) {
    return refuse(400, "invalid_payload");
  }
  const message = parseObject(body);
  if (message === null) return refuse(400, "invalid_payload");
  if (/^\/(?:workflows|triggers)\//.test(pathname)) return workflow(message);
  if (!pathname.startsWith("/services/")) return refuse(404, "no_team");
  const text = string(message["text"]);
  const blocks = objects(message["blocks"]);
  if (text === "" && blocks.length === 0) return refuse(400, "no_text");
  // "Messages": a text beyond 40,000 characters is cut. "Blocks": at most 50 in a message.
  if (text.length > 40_000 || blocks.length > 50) return refuse(400, "invalid_blocks");
  const shown: Shown = { text: "", notification: "", links: [], pings: [] };
  shown.notification = readMrkdwn(text, shown);
  const lines = blocks.flatMap((block) => readBlock(block, shown));
  if (lines.includes(null)) return refuse(400, "invalid_blocks");
  shown.text = blocks.length === 0 ? shown.notification : lines.join("\n");
  return { status: 200, body: "ok", shown };
};

/** slack.com/help, "Create workflows that start with a webhook": flat, each variable a text. */
function workflow(message: Record<string, unknown>): ReturnType<StandIn> {
  const values = Object.values(message);
  if (!values.every((value) => typeof value === "string")) {
    return refuse(400, { ok: false, error: "invalid_webhook_format" });
  }
  const text = values.join("\n");
  const notification = string(message["title"]) || string(message["text"]);
  return { status: 200, body: '{"ok":true}', shown: { text, notification, links: [], pings: [] } };
}

/** Null for a block that Slack refuses ("Reference: blocks"). */
function readBlock(block: Record<string, unknown>, shown: Shown): (string | null)[] {
  switch (block["type"]) {
    case "header":
      return [object(block["text"])["type"] === "plain_text" ? readText(block["text"], 150, shown) : null];
    case "section": {
      const fields = objects(block["fields"]);
      if (fields.length > 10 || (block["text"] === undefined && fields.length === 0)) return [null];
      const text = block["text"] === undefined ? [] : [readText(block["text"], 3000, shown)];
      return [...text, ...fields.map((field) => readText(field, 2000, shown))];
    }
    case "context": {
      const elements = objects(block["elements"]);
      if (elements.length === 0 || elements.length > 10) return [null];
      return elements.map((element) => readText(element, 3000, shown));
    }
    case "divider":
      return [];
    default:
      return [null];
  }
}

/** "Text object": of 1 to `max` characters. */
function readText(value: unknown, max: number, shown: Shown): string | null {
  const { type, text, emoji } = object(value);
  if (typeof text !== "string" || text.length === 0 || text.length > max) return null;
  if (type === "mrkdwn") return emoji === undefined ? readMrkdwn(text, shown) : null;
  return type === "plain_text" ? readControls(text, shown) : null;
}

/** "Formatting message text". */
function readMrkdwn(text: string, shown: Shown): string {
  const plain = text.replaceAll(/(?<!\w)([*_~`])(?=\S)(.+?)(?<=\S)\1(?!\w)/g, "$2");
  return readControls(plain, shown);
}

/** What stands in angle brackets, and the three references. */
function readControls(text: string, shown: Shown): string {
  const read = text.replaceAll(/<([^<>]*)>/g, (_, control: string) => {
    const [target = "", label = target] = control.split("|");
    if (target.startsWith("!date^")) return label;
    if (/^[!@#]/.test(target)) shown.pings.push(target);
    else shown.links.push({ text: label, url: target.replaceAll("&amp;", "&") });
    return label;
  });
  return read.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
