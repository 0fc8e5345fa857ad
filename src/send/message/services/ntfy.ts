/** Messages for ntfy: to a topic's URL with headers, or as JSON to the root. */
import type { BuiltMessage } from "../build-message";
import { withFittingLines } from "../digest";
import { bytesOf, fitBytes } from "../fit";
import { type Notice, utcMinute } from "../notice";
import type { Outcome } from "../sentence";

/** The limit of docs.ntfy.sh/publish, "Limitations". A longer message becomes an attachment. */
const messageBytesMax = 4096;
/** The most bytes of the title, which is a header. Proxies may refuse longer ones. */
const titleBytesMax = 1024;

/** docs.ntfy.sh/publish, "Message priority". */
const priorities: Record<string, number> = { min: 1, low: 2, default: 3, high: 4, max: 5 };
/** docs.ntfy.sh/emojis: these tags are shown as icons. */
const icons: Record<Outcome, string> = {
  success: "white_check_mark",
  failure: "x",
  cancelled: "no_entry_sign",
  started: "arrow_forward",
  info: "information_source",
};

/** Builds the message. ntfy displays plain text, so that nothing is escaped. */
export function ntfyMessage(notice: Notice): BuiltMessage {
  const { sentence, options, url } = notice;
  const { outcome, link } = sentence;
  const [title, message] = textsOf(notice);
  const priority = priorityOf(outcome, options["priority"]);
  const more = (options["tags"] ?? "").split(",").map((tag) => tag.trim());
  const tags = [icons[outcome], ...more.filter((tag) => tag !== "")];
  if (isRoot(url)) {
    const topic = options["topic"];
    return {
      body: JSON.stringify({ topic, title, message, priority, tags, ...(link !== null && { click: link }) }),
      contentType: "application/json",
    };
  }
  return {
    body: message,
    contentType: "text/plain; charset=utf-8",
    headers: {
      Title: headerText(title),
      Priority: String(priority),
      Tags: headerText(tags.join(",")),
      ...(link !== null && { Click: link.replaceAll("=?", "=%3F") }),
    },
  };
}

/** @returns the title and the text. ntfy would display "triggered" for an empty text. */
function textsOf({ sentence, digest, type, occurredAt }: Notice): [title: string, message: string] {
  if (digest !== null) {
    const message = withFittingLines(
      digest,
      (lines) => lines.map(({ text }) => text).join("\n"),
      (text) => bytesOf(text) <= messageBytesMax,
    );
    return [fitBytes(sentence.title, titleBytesMax), message];
  }
  const facts = sentence.facts.map(({ label, value }) => `${label}: ${value}`);
  const time = occurredAt === null ? null : utcMinute(occurredAt);
  const lines = [...facts, [type, time].filter(Boolean).join(" · ")].filter((line) => line !== "");
  if (lines.length === 0) return ["Orchest", sentence.title];
  return [fitBytes(sentence.title, titleBytesMax), fitBytes(lines.join("\n"), messageBytesMax)];
}

function priorityOf(outcome: Outcome, ofFailures: string | undefined): number {
  if (outcome === "failure") return priorities[ofFailures ?? "high"] ?? 4;
  return outcome === "started" || outcome === "info" ? 2 : 3;
}

/**
 * @returns the value of a header. Texts beyond ASCII are encoded by RFC 2047, which ntfy decodes (docs.ntfy.sh/publish,
 *   "Message title").
 */
function headerText(text: string): string {
  // A text that looks like an encoded word is encoded, too, because ntfy would decode it.
  if (/^[\u0020-\u007E]*$/.test(text) && !text.includes("=?")) return text;
  return encodedWords(text)
    .map((bytes) => `=?UTF-8?B?${bytes.toBase64()}?=`)
    .join(" ");
}

/** Splits a text into encoded words, which have at most 75 characters (RFC 2047, 2) and do not split characters. */
function encodedWords(text: string): Uint8Array[] {
  const encoder = new TextEncoder();
  const words: string[] = [""];
  for (const character of text) {
    const last = words.at(-1) ?? "";
    if (encoder.encode(last + character).length <= 45) words[words.length - 1] = last + character;
    else words.push(character);
  }
  return words.map((word) => encoder.encode(word));
}

function isRoot(url: string): boolean {
  return (URL.parse(url)?.pathname ?? "/") === "/";
}
