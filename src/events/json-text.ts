/** Looking into JSON text without re-writing it. */

/**
 * The source text of each element of a JSON array, white space around it removed.
 * @param text valid JSON whose value is an array.
 */
export function arrayElements(text: string): string[] {
  return topLevelParts(text);
}

/**
 * The source text of one member of a JSON object; of a repeated key the last, as JSON.parse takes it.
 * @param text valid JSON whose value is an object.
 */
export function objectMember(text: string, key: string): string | null {
  let member: string | null = null;
  for (const [name, value] of objectMembers(text)) if (name === key) member = value;
  return member;
}

/** Names of members, each with those that matter in its value. */
export type Members = { readonly [name: string]: Members };

/**
 * The path of a member that stands twice in its object, such as `project.uuid`, or null. Programs do not agree on which
 * of the two counts.
 * @param text valid JSON whose value is an object. @param members that are looked for; others may stand twice.
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

/** The members of a JSON object in their order, those that are repeated too: names as they are read, values as they stand. */
function objectMembers(text: string): [name: string, value: string][] {
  return topLevelParts(text).map((part) => {
    const end = stringEnd(part, 0) + 1;
    return [String(JSON.parse(part.slice(0, end))), part.slice(part.indexOf(":", end) + 1).trim()];
  });
}

/** What stands between the outermost brackets, split at the commas that belong to them. */
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

/** Where the string ends that begins at `start`: its last quote, the first one that is not escaped. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
