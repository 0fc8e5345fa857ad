/** The local secrets: `.dev.vars`, which wrangler reads and git ignores. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { projectDirectory } from "./project-directory.ts";

/**
 * Makes `.dev.vars` from `.dev.vars.example` where it is missing, readable by its owner only and with a new
 * ENCRYPTION_KEY. Never changes one that exists: what is stored could no longer be decrypted.
 */
export function ensureDevVars(directory = projectDirectory): void {
  const path = join(directory, ".dev.vars");
  if (existsSync(path)) return;
  const example = readFileSync(`${path}.example`, "utf8");
  const key = randomBytes(32).toString("base64");
  const text = example.replace(/^ENCRYPTION_KEY=""$/m, `ENCRYPTION_KEY="${key}"`);
  writeFileSync(path, text, { flag: "wx", mode: 0o600 });
}

/** The value of `name` in `.dev.vars`; empty where it is not set. */
export function readDevVar(name: string, directory = projectDirectory): string {
  return parseEnv(readFileSync(join(directory, ".dev.vars"), "utf8"))[name] ?? "";
}
