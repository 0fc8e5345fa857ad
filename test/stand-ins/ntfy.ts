/** ntfy (docs.ntfy.sh/publish). */
import { parseObject, refuse, type Shown, type StandIn, string } from "./types";

export const ntfy: StandIn = ({ url, headers, body }) => {
  const topic = new URL(url).pathname.slice(1);
  if (topic === "") return published(body);
  if (!/^[-\w]{1,64}$/.test(topic)) return refuse(404, { code: 40401, http: 404, error: "page not found" });
  // "Limitations": beyond 4,096 bytes a message is an attachment, of which nothing is to be read.
  if (new TextEncoder().encode(body).length > 4096) return { status: 200, body: "{}", shown: null };
  const title = decodeWords(headers.get("Title") ?? "");
  const priority = headers.get("Priority") ?? "3";
  if (!/^(?:[1-5]|min|low|default|high|max|urgent)$/.test(priority)) {
    return refuse(400, { code: 40007, http: 400, error: "invalid request: priority invalid" });
  }
  return show(title, body, decodeWords(headers.get("Click") ?? ""));
};

/** "Publish as JSON": only to the root URL. */
function published(body: string): ReturnType<StandIn> {
  const message = parseObject(body);
  if (message === null)
    return refuse(400, { code: 40024, http: 400, error: "invalid request: body must be message JSON" });
  if (!/^[-\w]{1,64}$/.test(string(message["topic"]))) {
    return refuse(400, { code: 40010, http: 400, error: "invalid request: topic missing" });
  }
  return show(string(message["title"]), string(message["message"]), string(message["click"]));
}

function show(title: string, message: string, click: string): ReturnType<StandIn> {
  if (message === "") return { status: 200, body: "{}", shown: null };
  const links = click === "" ? [] : [{ text: "(the notification)", url: click }];
  const shown: Shown = { text: `${title}\n${message}`, notification: title || message, links, pings: [] };
  return { status: 200, body: '{"id":"x","event":"message"}', shown };
}

/** RFC 2047, in UTF-8 and base64, each word of at most 75 characters. */
function decodeWords(text: string): string {
  if (!text.includes("=?")) return text;
  return text
    .split(" ")
    .map((word) => {
      const [, bytes] = /^=\?UTF-8\?B\?([A-Za-z0-9+/=]*)\?=$/.exec(word) ?? [];
      if (bytes === undefined || word.length > 75) throw new Error(`This is no encoded word: ${word}`);
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(Uint8Array.fromBase64(bytes));
    })
    .join("");
}
