/** Discord's webhooks (docs.discord.com, "Execute Webhook" and "Embed Limits"). */
import {
  object,
  objects,
  parseObject,
  readAttachments,
  refuse,
  renderEmoji,
  renderMarkdown,
  type ServiceAnswer,
  type Shown,
  type StandIn,
  string,
} from "./types";

/** Members of the body that Discord reads, and how long their texts may be, in code points. */
const limits = {
  content: 2000,
  title: 256,
  description: 4096,
  name: 256,
  value: 1024,
  footer: 2048,
  all: 6000,
};

export const discord: StandIn = ({ url, headers, body }) => {
  const { pathname, searchParams } = new URL(url);
  if (!/^\/api(\/v\d+)?\/webhooks\/\d+\/[^/]+\/?$/.test(pathname))
    return refuse(404, { message: "404: Not Found", code: 0 });
  if (!headers.get("Content-Type")?.startsWith("application/json")) {
    return refuse(400, { message: "Cannot send an empty message", code: 50006 });
  }
  const message = parseObject(body);
  if (message === null)
    return refuse(400, { message: "The request body contains invalid JSON.", code: 50109 });
  const content = string(message["content"]);
  const embeds = objects(message["embeds"]);
  if (content === "" && embeds.length === 0)
    return refuse(400, { message: "Cannot send an empty message", code: 50006 });
  if (length(content) > limits.content) return invalid("content", limits.content);
  if (embeds.length > 10) return invalid("embeds", 10);
  const wrong = embeds.map(wrongEmbed).find((one) => one !== null);
  if (wrong) return wrong;
  const shown: Shown = { text: "", notification: "", links: [], pings: [] };
  shown.notification = read(content, shown);
  shown.text = [shown.notification, ...embeds.flatMap((embed) => readEmbed(embed, shown))].join("\n");
  if (!Array.isArray(object(message["allowed_mentions"])["parse"])) shown.pings.push(...pingsIn(content));
  const isWaiting = searchParams.get("wait") === "true";
  return { status: isWaiting ? 200 : 204, body: isWaiting ? '{"id":"1"}' : "", shown };
};

/** "Execute Slack-Compatible Webhook": a text and attachments of Slack, in Markdown of Discord; blocks are not known. */
export const discordSlack: StandIn = ({ url, body }) => {
  if (!/^\/api(\/v\d+)?\/webhooks\/\d+\/[^/]+\/slack$/.test(new URL(url).pathname)) return refuse(404, "");
  const message = parseObject(body) ?? {};
  const text = string(message["text"]);
  const attachments = objects(message["attachments"]);
  if (text === "" && attachments.length === 0) {
    return refuse(400, { message: "Cannot send an empty message", code: 50006 });
  }
  const shown: Shown = {
    text: "",
    notification: "",
    links: [],
    pings: text.match(/@(?:everyone|here)|<@[!&]?\d+>/g) ?? [],
  };
  readAttachments(message, shown, read);
  return { status: 200, body: "ok", shown };
};

function wrongEmbed(embed: Record<string, unknown>): ServiceAnswer | null {
  const fields = objects(embed["fields"]);
  const footer = string(object(embed["footer"])["text"]);
  const texts = [string(embed["title"]), string(embed["description"]), footer];
  if (fields.length > 25) return invalid("embeds.0.fields", 25);
  for (const [index, field] of fields.entries()) {
    const { name, value } = { name: string(field["name"]), value: string(field["value"]) };
    if (name === "" || length(name) > limits.name)
      return invalid(`embeds.0.fields.${index}.name`, limits.name);
    if (value === "" || length(value) > limits.value)
      return invalid(`embeds.0.fields.${index}.value`, limits.value);
    texts.push(name, value);
  }
  if (length(string(embed["title"])) > limits.title) return invalid("embeds.0.title", limits.title);
  if (length(string(embed["description"])) > limits.description)
    return invalid("embeds.0.description", limits.description);
  if (length(footer) > limits.footer) return invalid("embeds.0.footer.text", limits.footer);
  if (length(texts.join("")) > limits.all) return invalid("embeds", limits.all);
  const { url, color, timestamp } = embed;
  if (url !== undefined && !/^https?:\/\//.test(string(url))) return invalid("embeds.0.url", 2048);
  if (color !== undefined && !(Number.isInteger(color) && Number(color) <= 0xffffff))
    return invalid("embeds.0.color", 0);
  if (timestamp !== undefined && !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(string(timestamp)))
    return invalid("embeds.0.timestamp", 0);
  return null;
}

function readEmbed(embed: Record<string, unknown>, shown: Shown): string[] {
  const url = string(embed["url"]);
  const title = read(string(embed["title"]), shown);
  if (url !== "") shown.links.push({ text: title, url });
  const fields = objects(embed["fields"]).map(
    (field) => `${string(field["name"])}: ${read(string(field["value"]), shown)}`,
  );
  return [
    title,
    read(string(embed["description"]), shown),
    ...fields,
    string(object(embed["footer"])["text"]),
  ];
}

/** Markdown of Discord: a backslash before punctuation makes it literal, also the `<` and `@` of mentions. */
function read(markdown: string, shown: Shown): string {
  const { text, links } = renderMarkdown(renderEmoji(markdown));
  shown.links.push(...links);
  return text;
}

function pingsIn(content: string): string[] {
  return content.match(/(?<!\\)@(?:everyone|here)|(?<!\\)<@[!&]?\d+>/g) ?? [];
}

function length(text: string): number {
  return Array.from(text).length;
}

/** "Error Messages": `errors` follows the body's structure. */
function invalid(path: string, max: number): ServiceAnswer {
  const error = {
    _errors: [{ code: "BASE_TYPE_BAD_LENGTH", message: `Must be between 1 and ${max} in length.` }],
  };
  const errors = path.split(".").reduceRight<object>((inner, name) => ({ [name]: inner }), error);
  return refuse(400, { message: "Invalid Form Body", code: 50035, errors });
}
