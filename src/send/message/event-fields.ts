/** Reading an event that anyone may have written: what is not as Orchest writes it is absent. */

/** A JSON object whose members are not known yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** How much of a text that somebody else chose is shown, in characters. */
const textCharactersMax = 120;

/** @returns the object at a path of members, or an empty one. */
export function objectAt(fields: Fields, ...path: string[]): Fields {
  let value: unknown = fields;
  for (const name of path) value = isFields(value) ? value[name] : undefined;
  return isFields(value) ? value : {};
}

/** @returns a member's text in one line, at most 120 characters; null where there is none, or only blanks. */
export function textOf(fields: Fields, name: string): string | null {
  const value = fields[name];
  return typeof value === "string" ? shownText(value) : null;
}

/** @returns a member that is a whole number from 0 on, or null. */
export function countOf(fields: Fields, name: string): number | null {
  const value = fields[name];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** @returns the members of a list that are objects; at most `limit` are looked at. */
export function objectsOf(fields: Fields, name: string, limit: number): Fields[] {
  const value = fields[name];
  return Array.isArray(value) ? value.slice(0, limit).filter(isFields) : [];
}

/** Whether a value is an object and no list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A text as it is shown within a line: control characters and white space become single blanks, characters that turn the
 * direction of writing or cannot be seen are left out, and half of a surrogate pair is replaced.
 * @returns null when nothing is left.
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

/** The start of a text, with an ellipsis where something was cut. Counts code points and splits none. */
export function cutText(text: string, charactersMax: number): string {
  const characters = Array.from(text);
  return characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax - 1).join("")}…`;
}
