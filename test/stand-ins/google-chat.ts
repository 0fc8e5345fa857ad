/** Google Chat's webhooks (developers.google.com/workspace/chat, "Create messages", "Cards"). */
import { object, objects, parseObject, refuse, renderHtml, type Shown, type StandIn, string } from "./types";

const bytesMax = 32_000;
const members = new Set(["text", "fallbackText", "cardsV2", "thread", "accessoryWidgets"]);

export const googleChat: StandIn = ({ headers, body }) => {
  if (!headers.get("Content-Type")?.startsWith("application/json")) return invalid("Invalid content type.");
  if (new TextEncoder().encode(body).length > bytesMax) return invalid("Message is too long.");
  const message = parseObject(body);
  if (message === null) return invalid("Invalid JSON payload received.");
  const unknown = Object.keys(message).find((name) => !members.has(name));
  if (unknown !== undefined)
    return invalid(`Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`);
  const text = string(message["text"]);
  const cards = objects(message["cardsV2"]);
  if (text === "" && cards.length === 0) return invalid("Message cannot be empty.");
  const shown: Shown = {
    text: "",
    notification: string(message["fallbackText"]) || text,
    links: [],
    pings: [],
  };
  // "Format messages": mentions and links in the text.
  shown.pings.push(...(text.match(/<users\/[^>]+>/g) ?? []));
  for (const [, url = "", label = ""] of text.matchAll(/<(https?:[^|>]+)\|([^>]+)>/g))
    shown.links.push({ url, text: label });
  const widgets = cards.flatMap((one) =>
    objects(object(one["card"])["sections"]).flatMap((section) => objects(section["widgets"])),
  );
  if (widgets.length > 100) return invalid("Too many widgets.");
  shown.text = [text, ...widgets.flatMap((widget) => readWidget(widget, shown))].join("\n");
  return { status: 200, body: JSON.stringify({ name: "spaces/AAAA/messages/1" }), shown };
};

function readWidget(widget: Record<string, unknown>, shown: Shown): string[] {
  const paragraph = object(widget["textParagraph"]);
  const decorated = object(widget["decoratedText"]);
  for (const button of objects(object(widget["buttonList"])["buttons"])) {
    const { url } = object(object(button["onClick"])["openLink"]);
    shown.links.push({ text: string(button["text"]), url: string(url) });
  }
  const html = [string(paragraph["text"]), string(decorated["text"])].filter((one) => one !== "");
  for (const [, url = "", label = ""] of html.join("\n").matchAll(/<a href="([^"]*)">(.*?)<\/a>/g)) {
    shown.links.push({ url, text: label });
  }
  return [string(decorated["topLabel"]), ...html.map(renderHtml)];
}

function invalid(message: string): ReturnType<StandIn> {
  return refuse(400, { error: { code: 400, message, status: "INVALID_ARGUMENT" } });
}
