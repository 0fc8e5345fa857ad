/** Reads and adds parts of JSON text as source text, without parsing and serializing them. */

/**
 * @param text valid JSON whose value is an array.
 * @returns the source text of each element, without surrounding white space.
 */
export function arrayElements(text: string): string[] {
  return topLevelParts(text);
}

/**
 * @param text valid JSON whose value is an object.
 * @returns the source text of the member `key`, or null. If a key is repeated, the last one counts, as in JSON.parse.
 */
export function objectMember(text: string, key: string): string | null {
  let member: string | null = null;
  for (const [name, value] of objectMembers(text)) if (name === key) member = value;
  return member;
}

/**
 * @param text valid JSON whose value is an object, without white space before it. @param members to add: at least one,
 *   and none that the object has.
 * @returns the text with the members at its beginning.
 */
export function withMembers(text: string, members: { readonly [name: string]: string }): string {
  const added = Object.entries(members).map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  const rest = text.slice(1);
  return `{${added.join(",")}${rest.trimStart().startsWith("}") ? "" : ","}${rest}`;
}

/** A tree of member names: each with the names to look for in its value. */
export type Members = { readonly [name: string]: Members };

/**
 * Finds a duplicate member. JSON parsers disagree on which of the two counts.
 * @param text valid JSON whose value is an object. @param members the names to check; others may be repeated.
 * @returns the path of the first duplicate, such as `project.uuid`, or null.
 */
export function repeatedMember(text: string, members: Members): string | null {
  const values = new Map<string, string>();
  for (const [name, value] of objectMembers(text)) {
    if (!Object.hasOwn(members, name)) continue;
    if (values.has(name)) return name;
    values.set(name, value);
  }
  for (const [name, value] of values) {
    const inner = value.startsWith("{") ? repeatedMember(value, members[name] ?? {}) : null;
    if (inner !== null) return `${name}.${inner}`;
  }
  return null;
}

/** @returns all members of a JSON object in order, duplicates included: parsed names, and values as source text. */
function objectMembers(text: string): [name: string, value: string][] {
  return topLevelParts(text).map((part) => {
    const end = stringEnd(part, 0) + 1;
    return [String(JSON.parse(part.slice(0, end))), part.slice(part.indexOf(":", end) + 1).trim()];
  });
}

/** @returns the contents of the outermost brackets, split at their own commas. */
function topLevelParts(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') index = stringEnd(text, index);
    else if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth === 1 && (character === "," || start === 0)) {
      if (start > 0) parts.push(text.slice(start, index).trim());
      start = index + 1;
    }
    if (depth === 0 && start > 0) {
      const last = text.slice(start, index).trim();
      return last === "" ? parts : [...parts, last];
    }
  }
  return parts;
}

/** @returns the index of the closing quote of the string that starts at `start`: the first quote that is not escaped. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
