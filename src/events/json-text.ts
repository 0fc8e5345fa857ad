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
  for (const part of topLevelParts(text)) {
    const name = /^"(?:[^"\\]|\\.)*"/.exec(part)?.[0] ?? '""';
    if (JSON.parse(name) === key) member = part.slice(part.indexOf(":", name.length) + 1).trim();
  }
  return member;
}

/** What stands between the outermost brackets, split at the commas that belong to them. */
function topLevelParts(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let inString = false;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (inString) {
      if (character === "\\") index += 1;
      else if (character === '"') inString = false;
      continue;
    }
    if (character === '"') inString = true;
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
