/** Parses the options of a command, and exits with a message when one is not valid. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** @returns the options, or their defaults. `--help` prints `usage` and exits; an unknown option exits with code 2. */
export function readOptions<const Options extends ParseArgsOptionsConfig>(usage: string, options: Options) {
  const { values } = parse(options);
  if ("help" in values) {
    console.log(usage);
    process.exit(0);
  }
  return values;
}

function parse<const Options extends ParseArgsOptionsConfig>(options: Options) {
  try {
    return parseArgs({ options: { ...options, help: { type: "boolean", short: "h" } } });
  } catch (error) {
    return fail(messageOf(error), 2);
  }
}

/** @returns `text` as a number. Exits with code 2 when it is not a whole number within the limits (inclusive). */
export function wholeNumber(option: string, text: string, limits: { min: number; max: number }): number {
  const { min, max } = limits;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && number <= max) return number;
  return fail(`${option} must be a whole number from ${min} to ${max}, not "${text}".`, 2);
}

/** Prints the reason to standard error and exits. */
export function fail(sentence: string, exitCode: number): never {
  console.error(sentence);
  process.exit(exitCode);
}

/** @returns an error's message, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
