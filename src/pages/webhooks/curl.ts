/**
 * The exact request of an attempt as a curl command for sh, bash or zsh.
 *
 * Header names and bodies are untrusted input. The command contains them only as printable ASCII in single quotes,
 * without characters that end or alter the quote or that an interactive shell expands inside it (`!`, in a line that
 * starts inside a quote). All other bytes are written as `\0ooo` for printf's %b (POSIX, "printf"), so that a line
 * editor does not act on a pasted control character.
 */
import { maskedValue } from "../../platform/masked-value";

/** `variables`: shell variables to set before running the command. The URL and masked headers are secrets. */
export type CurlCommand = { command: string; variables: string[] };

const urlVariable = "URL";

/**
 * How many characters of a body go on one line. An encoded character takes at most 5, so that a line stays below
 * 1,024 bytes: without a line editor, a terminal drops the rest of a longer line (MAX_CANON), closing quote included.
 */
const charactersPerLine = 200;

const notPlain = /[^\x20-\x7e]|['!`$\\]/gu;

/** @param request as shown in the log, with the values of custom headers masked. */
export function curlCommand(request: { headers: Record<string, string>; body: string }): CurlCommand {
  const entries = Object.entries(request.headers);
  const hidden = entries.filter(([, value]) => value === maskedValue).map(([name]) => name);
  const variables = variablesFor(hidden);
  const header = ([name, value]: [string, string]): string => {
    const variable = variables.get(name);
    return `-H ${variable === undefined ? word(`${name}: ${value}`) : word(`${name}: `, variable)}`;
  };
  const curl = [`curl --globoff --url "$${urlVariable}" --data-binary @-`, ...entries.map(header)];
  return {
    // printf is a shell builtin: a body may exceed the size limit of a program's arguments.
    command: `printf '%b' ${linesOf(request.body)} |\n  ${curl.join(" \\\n  ")}`,
    variables: [urlVariable, ...variables.values()],
  };
}

/** A distinct variable per header name: `X-Api-Key` becomes `HEADER_X_API_KEY`, which no shell predefines. */
function variablesFor(names: string[]): Map<string, string> {
  const variables = new Map<string, string>();
  const used = new Set([urlVariable]);
  for (const name of names) {
    const plain = `HEADER_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
    let variable = plain;
    for (let count = 2; used.has(variable); count += 1) variable = `${plain}_${count}`;
    used.add(variable);
    variables.set(name, variable);
  }
  return variables;
}

/** One argument: a text, followed by the value of a variable if given. */
function word(text: string, variable?: string): string {
  const encoded = encode(text);
  const value = variable === undefined ? "" : `$${variable}`;
  if (encoded !== text) return `"$(printf '%b' '${encoded}')${value}"`;
  return value === "" ? `'${text}'` : `'${text}'"${value}"`;
}

/** A text as arguments for `printf '%b'`, one per line; printf concatenates them. */
function linesOf(text: string): string {
  const lines = encode(text).match(new RegExp(`(?:\\\\0...|[^\\\\]){1,${charactersPerLine}}`, "g")) ?? [""];
  const quoted = lines.map((line) => `'${line}'`);
  return quoted.length === 1 ? quoted.join("") : `\\\n  ${quoted.join(" \\\n  ")}`;
}

/** Keeps printable ASCII that has no meaning within single quotes, and escapes all other characters byte by byte. */
function encode(text: string): string {
  return text.replaceAll(notPlain, (character) =>
    Array.from(new TextEncoder().encode(character), (byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join(
      "",
    ),
  );
}
