/** Cuts texts to the limits of their destination, after escaping. */
import { cutText } from "./event-fields";

/**
 * Escapes a text, and cuts it first if the result would be longer than `lengthMax` UTF-16 units. Neither characters nor
 * escapes are split.
 */
export function fitEscaped(text: string, lengthMax: number, escape: (text: string) => string): string {
  const whole = escape(text);
  if (whole.length <= lengthMax) return whole;
  const characters = Array.from(text);
  let [fits, tooMany] = [0, characters.length];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (escape(`${characters.slice(0, middle).join("")}…`).length <= lengthMax) fits = middle;
    else tooMany = middle;
  }
  return escape(`${characters.slice(0, fits).join("")}…`);
}

/** @returns the text, cut to at most `bytesMax` bytes of UTF-8. Characters are not split. */
export function fitBytes(text: string, bytesMax: number): string {
  if (bytesOf(text) <= bytesMax) return text;
  let cut = cutText(text, bytesMax);
  while (bytesOf(cut) > bytesMax)
    cut = cutText(text, Array.from(cut).length - 1 - Math.ceil((bytesOf(cut) - bytesMax) / 4));
  return cut;
}

/** @returns the length of a text in bytes of UTF-8. */
export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/**
 * An invisible break (zero width space), for characters that a service has no escape for: after the `@`, it keeps
 * `@channel` from notifying people.
 */
export const invisibleBreak = "\u200B";
