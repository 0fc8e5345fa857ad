/** Reads fields of an event. Any publisher may have written it: a value of an unexpected type counts as absent. */

/** A JSON object with unknown members. */
export type Fields = Readonly<Record<string, unknown>>;

/** The most characters of a text from an event that are displayed. */
const textCharactersMax = 120;

/** @returns the object at a path of members; an empty one when there is none. */
export function objectAt(fields: Fields, ...path: string[]): Fields {
  let value: unknown = fields;
  for (const name of path) value = isFields(value) ? value[name] : undefined;
  return isFields(value) ? value : {};
}

/** @returns a member's text in one line, at most 120 characters; null when there is none, or only blanks. */
export function textOf(fields: Fields, name: string): string | null {
  const value = fields[name];
  return typeof value === "string" ? shownText(value) : null;
}

/** @returns a member that is a whole number from 0 on, or null. */
export function countOf(fields: Fields, name: string): number | null {
  const value = fields[name];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** @returns the objects among the first `limit` entries of a list. */
export function objectsOf(fields: Fields, name: string, limit: number): Fields[] {
  const value = fields[name];
  return Array.isArray(value) ? value.slice(0, limit).filter(isFields) : [];
}

/** Whether a value is an object, and not an array. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Makes a text fit for display in one line: control characters and white space become single blanks, invisible
 * characters and those that change the direction of writing are removed, and unpaired surrogates are replaced.
 * @returns at most `charactersMax` characters; null when nothing is left.
 */
export function shownText(text: string, charactersMax = textCharactersMax): string | null {
  const line = text
    .slice(0, charactersMax * 8)
    .toWellFormed()
    .replaceAll(/[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, "")
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line === "" ? null : cutText(line, charactersMax);
}

/** @returns the text, cut to `charactersMax` code points, the last of which is an ellipsis if something was cut. */
export function cutText(text: string, charactersMax: number): string {
  const characters = Array.from(text);
  return characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax - 1).join("")}…`;
}
