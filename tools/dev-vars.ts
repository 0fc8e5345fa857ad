/** The local settings and secrets in `.dev.vars`, which wrangler reads and git ignores. */
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { projectDirectory } from "./project-directory.ts";

/**
 * Creates `.dev.vars` from `.dev.vars.example` if it does not exist, readable by its owner only and with a new
 * ENCRYPTION_KEY. An existing file is never changed, because stored settings could not be decrypted with another key. The
 * file is created atomically, so that gateways that start at the same time use the same one.
 */
export function ensureDevVars(directory = projectDirectory): void {
  const path = join(directory, ".dev.vars");
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

/** @returns the value of `name` in `.dev.vars`; empty when it is not set. */
export function readDevVar(name: string, directory = projectDirectory): string {
  return parseEnv(readFileSync(join(directory, ".dev.vars"), "utf8"))[name] ?? "";
}

/** @returns the first token in API_TOKENS, which may do everything. */
export function localToken(): string {
  return readDevVar("API_TOKENS").split(",")[0]?.trim() ?? "";
}
