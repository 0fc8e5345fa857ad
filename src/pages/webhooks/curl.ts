/** The exact request of an attempt as a command for curl. */
import { maskedValue } from "../../sealing";

/** A command, and the variables that are to be set before it is run: the URL and hidden headers are secrets. */
export type CurlCommand = { command: string; variables: string[] };

const urlVariable = "URL";

/** @param request as the log shows it: the values of custom headers are masked. */
export function curlCommand(request: { headers: Record<string, string>; body: string }): CurlCommand {
  const entries = Object.entries(request.headers);
  const hidden = entries.filter(([, value]) => value === maskedValue).map(([name]) => variableOf(name));
  const lines = [
    // The shell's own printf: a body may be longer than an argument of a program.
    `printf '%s' ${quoted(request.body)} |`,
    `  curl "$${urlVariable}" --data-binary @-`,
    ...entries.map(([name, value]) => `  -H ${header(name, value)}`),
  ];
  return { command: `${lines[0]}\n${lines.slice(1).join(" \\\n")}`, variables: [urlVariable, ...hidden] };
}

function header(name: string, value: string): string {
  if (value === maskedValue) return `"${name}: $${variableOf(name)}"`;
  return quoted(`${name}: ${value}`);
}

/** `X-Api-Key` becomes `HEADER_X_API_KEY`: no shell has a variable of that name already. */
function variableOf(name: string): string {
  return `HEADER_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
}

/** For POSIX shells: nothing between single quotes means anything, but for a single quote. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
