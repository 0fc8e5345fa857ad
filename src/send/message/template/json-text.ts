/** JSON of values from events, however deeply they are nested. */

/**
 * @param value parsed JSON, or a value that contains such; undefined counts as null.
 * @returns its JSON text. For deep values with numbers as names, `JSON.stringify` runs out of stack, although
 *   `JSON.parse` accepts them.
 */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value ?? null);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return withoutRecursion(value);
  }
}

/** A part of the text that is not written yet. */
type Rest = { text: string } | { value: unknown };

function withoutRecursion(root: unknown): string {
  const written: string[] = [];
  const rest: Rest[] = [{ value: root }];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if ("text" in next) written.push(next.text);
    else if (typeof next.value !== "object" || next.value === null)
      written.push(JSON.stringify(next.value ?? null));
    // Not all at once: a call has room for some 100,000 arguments.
    else for (const part of partsOf(next.value).toReversed()) rest.push(part);
  }
  return written.join("");
}

function partsOf(value: object): Rest[] {
  const isList = Array.isArray(value);
  const members = Object.entries(value).flatMap(([name, member]: [string, unknown], index): Rest[] => [
    { text: `${index === 0 ? "" : ","}${isList ? "" : `${JSON.stringify(name)}:`}` },
    { value: member },
  ]);
  return [{ text: isList ? "[" : "{" }, ...members, { text: isList ? "]" : "}" }];
}
