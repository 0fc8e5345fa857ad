/** Applies the migrations to the local D1. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { localDatabases } from "./built-worker.ts";
import { projectDirectory } from "./project-directory.ts";

const migrationsDirectory = join(projectDirectory, "migrations");
type Database = Awaited<ReturnType<Miniflare["getD1Database"]>>;

/**
 * Applies the migrations to the local D1 in `stateDirectory`, which no gateway uses. Applied ones are listed in wrangler's
 * table, so that `wrangler d1 migrations` goes on from there. A fingerprint of them lies next to the database, so that a
 * database that has all is not opened.
 * @throws {Error} of the migration that failed. Those before it stay applied.
 */
export async function applyMigrations(stateDirectory: string): Promise<void> {
  const marker = join(stateDirectory, "v3", "d1", "migrations-applied");
  const wanted = fingerprint();
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "export default {}",
      d1Databases: localDatabases(),
      resourcePersistencePath: join(stateDirectory, "v3"),
      telemetry: { enabled: false },
      cf: false,
    }),
  );
  try {
    await applyTo(await miniflare.getD1Database("DB"));
  } finally {
    await miniflare.dispose();
  }
  writeFileSync(marker, wanted);
}

async function applyTo(database: Database): Promise<void> {
  await database
    .prepare(
      "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    )
    .run();
  const { results } = await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  for (const name of listMigrations()) {
    if (applied.has(name)) continue;
    const statements = readFileSync(join(migrationsDirectory, name), "utf8").split(
      "--> statement-breakpoint",
    );
    await database.batch([
      ...statements.map((statement) => database.prepare(statement)),
      database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
}

function listMigrations(): string[] {
  return readdirSync(migrationsDirectory)
    .filter((name) => name.endsWith(".sql"))
    .toSorted();
}

/** @returns a hash of every migration and of wrangler.toml, which names the database. */
function fingerprint(): string {
  const files = [
    ...listMigrations().map((name) => join(migrationsDirectory, name)),
    join(projectDirectory, "wrangler.toml"),
  ];
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}
