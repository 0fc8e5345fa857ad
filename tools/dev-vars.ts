/** The local secrets: `.dev.vars`, which wrangler reads and git ignores. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { projectDirectory } from "./project-directory.ts";

const path = join(projectDirectory, ".dev.vars");

/** Makes `.dev.vars` from its example where it is missing, with a new ENCRYPTION_KEY. Never changes one that exists. */
export function ensureDevVars(): void {
  if (existsSync(path)) return;
  const example = readFileSync(`${path}.example`, "utf8");
  const key = randomBytes(32).toString("base64");
  writeFileSync(path, example.replace(/^ENCRYPTION_KEY=""$/m, `ENCRYPTION_KEY="${key}"`), {
    flag: "wx",
    mode: 0o600,
  });
}

/** The value of `name` in `.dev.vars`; empty where it is not set. */
export function readDevVar(name: string): string {
  return parseEnv(readFileSync(path, "utf8"))[name] ?? "";
}
