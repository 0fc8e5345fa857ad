/** Responses of Discord (docs.discord.com, "Rate Limits", "Opcodes and Status Codes", "Error Messages"). */
import { firstFieldError } from "./field-errors";
import { type AnswerReader, jsonOf, type ServiceAnswer, textOf, waitOf, words } from "./meaning";

/**
 * The webhook cannot deliver: unknown channel, guild or webhook; missing access; invalid webhook token; a forum without
 * a thread's name, or a thread's name without a forum; an archived thread; a webhook of another application.
 */
const gone = new Set([10_003, 10_004, 10_015, 50_001, 50_013, 50_027, 50_083, 220_001, 220_002, 220_003]);
/**
 * The message is not valid: entity too large; empty message; invalid form body; invalid JSON; blocked by rules of the
 * server.
 */
const refused = new Set([40_005, 50_006, 50_035, 50_109, 200_000, 240_000]);
/** From this version of the API on, times in bodies and `Retry-After` are in seconds, before in milliseconds. */
const firstVersionInSeconds = 8;

/** Reads a response of Discord. */
export const readDiscordAnswer: AnswerReader = (answer) => {
  const { status, body } = answer;
  if (status < 400) return null;
  const json = jsonOf(body);
  const code = Number(json["code"]);
  const message = textOf(json["message"]);
  if (status === 429) {
    return { kind: "failed", retryAfterMs: waitAsked(answer, json), reason: words("Discord", message) };
  }
  if (gone.has(code)) return { kind: "gone", reason: words("Discord", message) };
  if (refused.has(code))
    return { kind: "refused", reason: words("Discord", message, firstFieldError(json["errors"])) };
  return null;
};

/**
 * @returns the time to wait in ms, or null. `X-RateLimit-Reset-After` is in seconds in every version. `Retry-After` of
 *   Cloudflare, which is in front of Discord, is in seconds, too.
 */
function waitAsked({ url, headers }: ServiceAnswer, json: Readonly<Record<string, unknown>>): number | null {
  const unitMs = versionOf(url) >= firstVersionInSeconds ? 1000 : 1;
  const isOfDiscord = json["retry_after"] !== undefined;
  return (
    waitOf(headers.get("X-RateLimit-Reset-After"), 1000) ??
    waitOf(json["retry_after"], unitMs) ??
    waitOf(headers.get("Retry-After"), isOfDiscord ? unitMs : 1000)
  );
}

/** @returns the version of the API; 6 for a URL without a version (docs.discord.com, "API Versioning"). */
function versionOf(url: string): number {
  return Number(/^\/api\/v(\d+)\//.exec(URL.parse(url)?.pathname ?? "")?.[1] ?? 6);
}
