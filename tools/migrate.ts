/** The tables of the local D1. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectDirectory } from "./project-directory.ts";
import { runWrangler } from "./wrangler.ts";

/**
 * Brings the local D1 in `stateDirectory` up to date. Wrangler needs seconds to find out that nothing is to be done, so
 * that what was done is noted beside the database, and goes with it.
 * @throws {Error} with what wrangler printed, when it fails; an AbortError when `signal` stopped it.
 */
export async function applyMigrations(stateDirectory: string, signal: AbortSignal): Promise<void> {
  const note = join(stateDirectory, "v3", "d1", "migrations-applied");
  const wanted = fingerprint();
  if (existsSync(note) && readFileSync(note, "utf8") === wanted) return;
  await runWrangler(["d1", "migrations", "apply", "DB", "--local", "--persist-to", stateDirectory], signal);
  writeFileSync(note, wanted);
}

/** Of every migration, and of what says which database they are for. */
function fingerprint(): string {
  const directory = join(projectDirectory, "migrations");
  const migrations = readdirSync(directory).filter((name) => name.endsWith(".sql"));
  const files = [
    ...migrations.toSorted().map((name) => join(directory, name)),
    join(projectDirectory, "wrangler.toml"),
  ];
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}
