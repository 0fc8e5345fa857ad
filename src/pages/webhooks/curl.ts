/**
 * The exact request of an attempt as a command for curl, to be pasted into sh, bash or zsh.
 *
 * Names and texts come from people who may mean harm to whoever pastes it, so that the command holds them only as
 * printable ASCII between single quotes, without the characters that an interactive shell looks for even there (`!`,
 * in a line that began inside a quote) or that would end or alter the quote. All else is written as `\0ooo`, for
 * printf's %b (POSIX, "printf"). So no byte of theirs is a key that a line editor acts on, either.
 */
import { maskedValue } from "../../platform/masked-value";

/** A command, and the variables that are to be set before it is run: the URL and hidden headers are secrets. */
export type CurlCommand = { command: string; variables: string[] };

const urlVariable = "URL";

/**
 * Of a body, what stands in one line: with 5 characters each it stays below 1,024. A terminal drops what is longer
 * (MAX_CANON), the closing quote with it, where the shell has no line editor.
 */
const charactersPerLine = 200;

const notPlain = /[^\x20-\x7e]|['!`$\\]/gu;

/** @param request as the log shows it: the values of custom headers are masked. */
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
    // The shell's own printf: a body may be longer than an argument of a program.
    command: `printf '%b' ${linesOf(request.body)} |\n  ${curl.join(" \\\n  ")}`,
    variables: [urlVariable, ...variables.values()],
  };
}

/** A variable for each name, and none for two: `X-Api-Key` has `HEADER_X_API_KEY`, which no shell has already. */
function variablesFor(names: string[]): Map<string, string> {
  const variables = new Map<string, string>();
  const taken = new Set([urlVariable]);
  for (const name of names) {
    const plain = `HEADER_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
    let variable = plain;
    for (let count = 2; taken.has(variable); count += 1) variable = `${plain}_${count}`;
    taken.add(variable);
    variables.set(name, variable);
  }
  return variables;
}

/** One argument: a text and, behind it, the value of a variable. */
function word(text: string, variable?: string): string {
  const encoded = encode(text);
  const value = variable === undefined ? "" : `$${variable}`;
  if (encoded !== text) return `"$(printf '%b' '${encoded}')${value}"`;
  return value === "" ? `'${text}'` : `'${text}'"${value}"`;
}

/** A text as arguments for `printf '%b'`, which writes one after the other, each in a line. */
function linesOf(text: string): string {
  const lines = encode(text).match(new RegExp(`(?:\\\\0...|[^\\\\]){1,${charactersPerLine}}`, "g")) ?? [""];
  const quoted = lines.map((line) => `'${line}'`);
  return quoted.length === 1 ? quoted.join("") : `\\\n  ${quoted.join(" \\\n  ")}`;
}

/** Printable ASCII that means nothing between single quotes; what is not that, byte by byte. */
function encode(text: string): string {
  return text.replaceAll(notPlain, (character) =>
    Array.from(new TextEncoder().encode(character), (byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join(
      "",
    ),
  );
}
