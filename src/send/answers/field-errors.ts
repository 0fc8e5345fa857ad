/** What services say is wrong with a field of a message. */
import { jsonOf, objectOf, textOf, words } from "./meaning";

/** How deep the fields of a message are looked through for what is wrong. */
const pathMax = 12;

/**
 * The first error in Discord's `errors`, which follow the structure of the message (docs.discord.com, "Error Messages"):
 * `embeds.0.fields.1.value: Must be 1024 or fewer in length.`
 */
export function firstFieldError(errors: unknown): string | undefined {
  const path: string[] = [];
  let at = objectOf(errors);
  while (path.length < pathMax) {
    const found: unknown = Array.isArray(at["_errors"]) ? at["_errors"][0] : undefined;
    if (found !== undefined) return `${path.join(".")}: ${textOf(objectOf(found)["message"]) ?? ""}`;
    const [name] = Object.keys(at);
    if (name === undefined) return undefined;
    path.push(name);
    at = objectOf(at[name]);
  }
  return undefined;
}

/**
 * The words for people in an answer's JSON, as the services that are known here write it.
 * @returns null where it holds none.
 */
export function wordsOfJson(body: string): string | null {
  const json = jsonOf(body);
  const error = objectOf(json["error"]);
  const message =
    textOf(json["message"]) ??
    textOf(json["description"]) ??
    textOf(error["message"]) ??
    textOf(json["error"]);
  if (message === undefined) return null;
  const errors = json["errors"];
  const listed = Array.isArray(errors) ? errors.flatMap((one) => textOf(one) ?? []).join(", ") : undefined;
  const named = Object.entries(objectOf(errors)).flatMap(([field, text]) =>
    typeof text === "string" ? [`${field} ${text}`] : [],
  );
  return words(textOf(error["code"]), message, listed ?? named[0] ?? firstFieldError(errors));
}
