import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { applyMigrations, listMigrations } from "../../tools/migrate.ts";
import { freshState } from "./pool-client.ts";

const markerPath = join("v3", "d1", "migrations-applied");

/** A state directory with all tables, for one test. */
async function migratedState(): Promise<string> {
  const state = mkdtempSync(join(tmpdir(), "migrate-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  cpSync(await freshState(), state, { recursive: true });
  return state;
}

test("applyMigrations opens no database that has had all, and makes one that is gone", async () => {
  const state = await migratedState();
  const marker = join(state, markerPath);
  const { mtimeMs } = statSync(marker);
  await applyMigrations(state);
  expect(statSync(marker).mtimeMs).toBe(mtimeMs);
  const applied = readFileSync(marker, "utf8");
  rmSync(join(state, "v3", "d1"), { recursive: true });
  await applyMigrations(state);
  expect(readFileSync(marker, "utf8")).toBe(applied);
});

test("applyMigrations names the migration that fails, keeps those before it, and goes on from there", async () => {
  const state = await migratedState();
  const directory = join(state, "v3", "d1", "miniflare-D1DatabaseObject");
  const file = readdirSync(directory).find((name) => /^[\da-f]{64}\.sqlite$/.test(name)) ?? "";
  const query = (sql: string) => {
    const database = new DatabaseSync(join(directory, file));
    const rows = database.prepare(sql).all();
    database.close();
    return rows.map(({ name }) => name);
  };
  const names = listMigrations();
  const [first, second] = names;
  rmSync(join(state, "v3", "d1"), { recursive: true });
  mkdirSync(directory, { recursive: true });
  query("CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE, applied_at TIMESTAMP)");
  query(`CREATE TRIGGER refuse BEFORE INSERT ON d1_migrations WHEN new.name = '${second}'
        BEGIN SELECT RAISE(ABORT, 'no disk'); END`);

  await expect(applyMigrations(state)).rejects.toThrow(
    new RegExp(`^The migration ${second} failed: .*no disk`),
  );
  expect(query("SELECT name FROM d1_migrations")).toEqual([first]);
  expect(existsSync(join(state, markerPath))).toBe(false);
  query("DROP TRIGGER refuse");
  await applyMigrations(state);
  expect(query("SELECT name FROM d1_migrations ORDER BY id")).toEqual(names);
});
