/** Making texts fit where they go, with the escapes of that place. */
import { cutText } from "./event-fields";

/**
 * Escapes a text, cut so that what comes of it has at most `lengthMax` UTF-16 units. Neither a character nor an escape is
 * cut in two.
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

/** A text cut so that it has at most `bytesMax` bytes in UTF-8. Splits no character. */
export function fitBytes(text: string, bytesMax: number): string {
  if (bytesOf(text) <= bytesMax) return text;
  let cut = cutText(text, bytesMax);
  while (bytesOf(cut) > bytesMax)
    cut = cutText(text, Array.from(cut).length - 1 - Math.ceil((bytesOf(cut) - bytesMax) / 4));
  return cut;
}

/** A text's length in UTF-8. */
export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** What puts an invisible break behind a character, where a service has no escape for it: `@channel` pings nobody then. */
export const invisibleBreak = "\u200B";
