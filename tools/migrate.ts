/** Applies the migrations to the local D1. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { localDatabases } from "./built-worker.ts";
import { messageOf } from "./command-line.ts";
import { projectDirectory } from "./project-directory.ts";

const migrationsDirectory = join(projectDirectory, "migrations");

/** Runs one batch of statements, `[sql, ...values]` each. Miniflare's own access to a database would be a call for each. */
const batchWorker = `export default {
  async fetch(request, { DB }) {
    const statements = (await request.json()).map(([sql, ...values]) => DB.prepare(sql).bind(...values));
    try {
      return Response.json((await DB.batch(statements)).map(({ results }) => results));
    } catch ({ message }) {
      return new Response(message, { status: 500 });
    }
  },
}`;
type Statement = [sql: string, ...values: string[]];

/**
 * Applies the migrations to the local D1 in `stateDirectory`, which no gateway uses. Applied ones are listed in wrangler's
 * table, so that `wrangler d1 migrations` goes on from there. A fingerprint of them lies next to the database, so that a
 * database that has all is not opened.
 * @throws {Error} that names the migration that failed. Those before it stay applied.
 */
export async function applyMigrations(stateDirectory: string): Promise<void> {
  const marker = join(stateDirectory, "v3", "d1", "migrations-applied");
  const wanted = fingerprint();
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: batchWorker,
      d1Databases: localDatabases(),
      resourcePersistencePath: join(stateDirectory, "v3"),
      telemetry: { enabled: false },
      cf: false,
    }),
  );
  try {
    await applyTo(miniflare);
  } finally {
    await miniflare.dispose();
  }
  writeFileSync(marker, wanted);
}

async function applyTo(miniflare: Miniflare): Promise<void> {
  const [, names = []] = await batch(miniflare, [
    [
      "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    ],
    ["SELECT name FROM d1_migrations"],
  ]);
  const applied = new Set(names.map(({ name }) => name));
  for (const name of listMigrations()) {
    if (applied.has(name)) continue;
    const statements = readFileSync(join(migrationsDirectory, name), "utf8").split(
      "--> statement-breakpoint",
    );
    try {
      await batch(miniflare, [
        ...statements.map((sql): Statement => [sql]),
        ["INSERT INTO d1_migrations (name) VALUES (?)", name],
      ]);
    } catch (error) {
      throw new Error(`The migration ${name} failed: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** @returns the rows of each statement. @throws {Error} of the statement that failed: none has had an effect then. */
async function batch(
  miniflare: Miniflare,
  statements: readonly Statement[],
): Promise<Record<string, unknown>[][]> {
  const body = JSON.stringify(statements);
  const response = await miniflare.dispatchFetch("http://migrations/", { method: "POST", body });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Record<string, unknown>[][];
}

/** @returns the names of the migrations' files, in their order. */
export function listMigrations(): string[] {
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
