/** Rocket.Chat's incoming webhooks (docs.rocket.chat, "Integrations"; the grammar of its message parser). */
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

/** "Message_MaxAllowedSize", as a server has it at first. */
const charactersMax = 5000;

export const rocketChat: StandIn = ({ url, body }) => {
  if (!/^\/hooks\/[^/]+\/[^/]+$/.test(new URL(url).pathname))
    return failed("Invalid integration id or token provided.");
  const message = parseObject(body);
  if (message === null) return failed("Invalid JSON");
  const text = string(message["text"]);
  if (text === "" && objects(message["attachments"]).length === 0) return failed("Invalid message");
  if (Array.from(text).length > charactersMax) return failed("error-message-size-exceeded");
  const shown: Shown = { text: "", notification: "", links: [], pings: [] };
  readAttachments(message, shown, read);
  return { status: 200, body: '{"success":true}', shown };
};

/**
 * The parser reads `\(…\)`, and `\[…\]` at the start of a line, as formulas. Backslashes make only `*_~` and backquotes,
 * `#` and `.` literal: others are shown. Underscores within a word are no emphasis.
 */
function read(source: string, shown: Shown): string {
  const lines = source
    .replaceAll(/\\\(.*?\\\)|^\\\[.*?\\\]/gm, "(a formula)")
    .replaceAll(/<((?:https?|mailto|ftp):[^|>]+)\|([^>]+)>/g, "[$2]($1)")
    .replaceAll(/\\(?![*_~`#.])/g, String.raw`\\`)
    .replaceAll(/^(?:(?:[-+]|#+|\d+\.) |>)/gm, "");
  const { text, links } = renderMarkdown(renderEmoji(lines));
  shown.links.push(...links);
  shown.pings.push(...(text.match(/(?<!\w)@[\w.-]+/g) ?? []));
  return text;
}

function failed(error: string): ReturnType<StandIn> {
  return refuse(400, { success: false, error });
}
