/** Indents JSON text without parsing its values. */

/** The deepest indentation. Without a limit, the text would grow with the square of the depth. */
const indentMax = 32;

/**
 * Puts JSON text on several lines, indented by one space per level as Orchest does. Numbers are not parsed: `1.0` and
 * integers above 2^53 stay as they are written.
 * @param text valid JSON.
 */
export function indentJson(text: string): string {
  let out = "";
  let depth = 0;
  let previous = "";
  // A string, one structural character, or a run of neither.
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    const afterOpening = previous === "{" || previous === "[";
    if (token === "}" || token === "]") {
      depth -= 1;
      if (!afterOpening) out += newLine(depth);
    } else if (afterOpening || previous === ",") {
      out += newLine(depth);
    }
    if (token === "{" || token === "[") depth += 1;
    out += token === ":" ? ": " : token;
    previous = token;
  }
  return out;
}

function newLine(depth: number): string {
  return `\n${" ".repeat(Math.min(depth, indentMax))}`;
}
