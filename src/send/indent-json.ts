/** Deeper levels are not indented further: the text would grow with the square of the depth. */
const indentMax = 32;

/**
 * Lays JSON text out over lines, one space per level as Orchest does, without reading its values: `1.0` and
 * integers beyond 2^53 stay as they are written.
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
