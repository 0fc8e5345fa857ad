/** Renders templates, in bounded time and size for any event. */
import { jsonText } from "./json-text";
import type { Part, Path } from "./parse-template";

/**
 * The most parts that are rendered, and the most UTF-16 units of the text. Beyond these limits, values are empty and
 * loops end.
 */
const stepsMax = 20_000;
const textLengthMax = 200_000;

type Scope = { context: unknown; data: Record<string, unknown>; parent: Scope | null };

/**
 * @param options.escape escapes a value for the content type.
 * @param options.escapeJson escapes a JSON value; the identity when the text itself is JSON. @returns the rendered
 *   text.
 */
export function renderTemplate(
  parts: readonly Part[],
  root: Readonly<Record<string, unknown>>,
  { escape, escapeJson }: { escape: (text: string) => string; escapeJson: (json: string) => string },
): string {
  const written: string[] = [];
  let length = 0;
  let steps = 0;
  const isSpent = (): boolean => steps > stepsMax || length > textLengthMax;

  function write(text: string): void {
    length += text.length;
    written.push(text);
  }

  function writeAll(some: readonly Part[], scope: Scope): void {
    for (const part of some) writePart(part, scope);
  }

  function writePart(part: Part, scope: Scope): void {
    steps++;
    switch (part.kind) {
      case "text":
        return write(part.text);
      case "value":
        return write(isSpent() ? (part.isJson ? "null" : "") : shown(part, valueAt(part.path, scope, root)));
      case "if":
        return writeAll(
          isTrue(valueAt(part.path, scope, root)) === part.isNegated ? part.otherwise : part.body,
          scope,
        );
      case "each":
        return writeEach(part, scope);
    }
  }

  function writeEach(part: Extract<Part, { kind: "each" }>, scope: Scope): void {
    const entries = entriesOf(valueAt(part.path, scope, root));
    if (entries.length === 0) return writeAll(part.otherwise, scope);
    for (const [index, [key, context]] of entries.entries()) {
      if (isSpent()) return;
      // A body without parts counts, too.
      steps++;
      const last = index === entries.length - 1;
      writeAll(part.body, { context, data: { index, key, first: index === 0, last }, parent: scope });
    }
  }

  function shown({ isJson }: { isJson: boolean }, value: unknown): string {
    if (isJson) return escapeJson(jsonText(value));
    return escape(textOf(value));
  }

  writeAll(parts, { context: root, data: {}, parent: null });
  return written.join("");
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value.toWellFormed();
  return value === undefined || value === null ? "" : jsonText(value);
}

function valueAt({ isData, depth, parts }: Path, scope: Scope, root: unknown): unknown {
  let from: Scope | null = scope;
  for (let up = 0; up < depth; up++) from = from?.parent ?? null;
  const [first, ...rest] = parts;
  if (!isData) return memberAt(from?.context, parts);
  return first === "root" ? memberAt(root, rest) : memberAt(from?.data, parts);
}

/** Reads own members only, and none of a prototype. */
function memberAt(value: unknown, parts: readonly string[]): unknown {
  let found = value;
  for (const name of parts) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** As in Handlebars: empty lists, empty texts and 0 are false. */
function isTrue(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function entriesOf(value: unknown): [string | number, unknown][] {
  if (Array.isArray(value)) return value.map((one, index) => [index, one]);
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
