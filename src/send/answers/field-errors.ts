/** Reads the errors of fields in services' responses. */
import { jsonOf, objectOf, textOf, words } from "./meaning";

/** The most levels of fields that are searched for an error. */
const pathMax = 12;

/**
 * @returns the first error in Discord's `errors`, which have the structure of the message (docs.discord.com, "Error
 *   Messages"), such as `embeds.0.fields.1.value: Must be 1024 or fewer in length.`; undefined when there is none.
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
 * Finds the error message in a response's JSON, in the fields that the supported services use.
 * @returns null when there is none.
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
