/** Reading the arguments of a command, and refusing bad ones in one sentence. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** The options given, or their defaults. `--help` prints `usage`; a bad option ends with exit code 2. */
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

/** `text` as a number within the limits; anything else ends the command with exit code 2. */
export function wholeNumber(option: string, text: string, limits: { min: number; max: number }): number {
  const { min, max } = limits;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && number <= max) return number;
  return fail(`${option} must be a whole number from ${min} to ${max}, not "${text}".`, 2);
}

/** Ends the command with one sentence that says why. */
export function fail(sentence: string, exitCode: number): never {
  console.error(sentence);
  process.exit(exitCode);
}

/** What an error says, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
