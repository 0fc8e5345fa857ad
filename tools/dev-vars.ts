/** The local settings and secrets in `.dev.vars`, which wrangler reads and git ignores. */
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { messageOf } from "./command-line.ts";
import { projectDirectory } from "./project-directory.ts";

/**
 * Creates `.dev.vars` from `.dev.vars.example` if it does not exist, readable by its owner only and with a new
 * ENCRYPTION_KEY. An existing file is never changed, because stored settings could not be decrypted with another key.
 * @throws {Error} with a sentence when it cannot be created.
 */
export function ensureDevVars(directory = projectDirectory): void {
  const path = join(directory, ".dev.vars");
  if (existsSync(path)) return;
  try {
    createDevVars(path);
  } catch (error) {
    throw new Error(
      `${path} cannot be made (${messageOf(error)}). Let this user write to ${directory}, or make it from .dev.vars.example with an ENCRYPTION_KEY: openssl rand -base64 32`,
      { cause: error },
    );
  }
}

/** Creates the file atomically, so that gateways that start at the same time use the same one. */
function createDevVars(path: string): void {
  const example = readFileSync(`${path}.example`, "utf8");
  const key = randomBytes(32).toString("base64");
  const text = example.replace(/^ENCRYPTION_KEY=""$/m, `ENCRYPTION_KEY="${key}"`);
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(draft);
  }
}

/** @returns the settings in `.dev.vars`. @throws {Error} with a sentence when it cannot be read. */
export function readDevVars(directory = projectDirectory): NodeJS.Dict<string> {
  const path = join(directory, ".dev.vars");
  try {
    return parseEnv(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`${path} cannot be read (${messageOf(error)}). Let this user read it.`, { cause: error });
  }
}

/** @returns the value of `name` in `.dev.vars`; empty when it is not set. */
export function readDevVar(name: string, directory = projectDirectory): string {
  return readDevVars(directory)[name] ?? "";
}

/** @returns the first token in API_TOKENS, which may do everything. */
export function localToken(): string {
  return readDevVar("API_TOKENS").split(",")[0]?.trim() ?? "";
}
