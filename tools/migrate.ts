/** Migrations of the local D1. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectDirectory } from "./project-directory.ts";
import { runWrangler } from "./wrangler.ts";

/**
 * Applies the migrations to the local D1 in `stateDirectory`. Wrangler takes seconds even when there are none to apply, so
 * a fingerprint of the applied ones is stored next to the database.
 * @throws {Error} with what wrangler printed, when it fails; an AbortError when `signal` stopped it.
 */
export async function applyMigrations(stateDirectory: string, signal: AbortSignal): Promise<void> {
  const marker = join(stateDirectory, "v3", "d1", "migrations-applied");
  const wanted = fingerprint();
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return;
  await runWrangler(["d1", "migrations", "apply", "DB", "--local", "--persist-to", stateDirectory], signal);
  writeFileSync(marker, wanted);
}

/** @returns a hash of every migration and of wrangler.toml, which names the database. */
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
