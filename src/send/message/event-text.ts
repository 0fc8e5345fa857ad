/** The sentence of an event that is at hand as text. */
import { type Sentence, sentenceOf } from "./sentence";

/**
 * @param text of an event, as it was published. It was parsed when it was accepted; what lies too deep for this parser has
 *   the sentence of an event without a type.
 */
export function sentenceOfText(text: string, options: { orchestUrl: string | null }): Sentence {
  return sentenceOf(parsed(text), options);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
