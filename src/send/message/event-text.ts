/** The sentence of an event's source text. */
import { type Sentence, sentenceOf } from "./sentence";

/**
 * @param text the source text of an accepted event. @returns its sentence. If this parser cannot parse the text because
 *   it is nested too deeply, that is the sentence of an event without a type.
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
