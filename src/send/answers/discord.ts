/** Discord's answers (docs.discord.com, "Rate Limits", "Opcodes and Status Codes", "Error Messages"). */
import { firstFieldError } from "./field-errors";
import { type AnswerReader, jsonOf, type ServiceAnswer, textOf, waitOf, words } from "./meaning";

/**
 * Unknown channel, guild and webhook; missing access; invalid webhook token; a forum without a thread's name and a thread's
 * name without a forum; a thread that is archived; a webhook that is not one's own.
 */
const gone = new Set([10_003, 10_004, 10_015, 50_001, 50_013, 50_027, 50_083, 220_001, 220_002, 220_003]);
/** Entity too large; an empty message; invalid form body; invalid JSON; message blocked by rules of the server. */
const refused = new Set([40_005, 50_006, 50_035, 50_109, 200_000, 240_000]);
/** From this version of the API on, times in bodies and `Retry-After` are seconds; before, milliseconds. */
const firstVersionInSeconds = 8;

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

/** `X-RateLimit-Reset-After` is in seconds in every version. Cloudflare, before Discord, speaks HTTP's seconds. */
function waitAsked({ url, headers }: ServiceAnswer, json: Readonly<Record<string, unknown>>): number | null {
  const unitMs = versionOf(url) >= firstVersionInSeconds ? 1000 : 1;
  const isOfDiscord = json["retry_after"] !== undefined;
  return (
    waitOf(headers.get("X-RateLimit-Reset-After"), 1000) ??
    waitOf(json["retry_after"], unitMs) ??
    waitOf(headers.get("Retry-After"), isOfDiscord ? unitMs : 1000)
  );
}

/** "API Versioning": a URL without a version means 6. */
function versionOf(url: string): number {
  return Number(/^\/api\/v(\d+)\//.exec(URL.parse(url)?.pathname ?? "")?.[1] ?? 6);
}
