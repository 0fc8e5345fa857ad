/** Checks that the state can be read, before workerd opens it: its own errors name no file. */
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "./command-line.ts";

/** Larger files are only opened: a full check reads every page. */
const checkedBytesMax = 50_000_000;

/** How each of SQLite's files begins. An empty one is a database without a table. */
const sqliteHeader = "SQLite format 3\0";

/**
 * D1's database is looked at as a whole. There may be thousands of lanes and shards, of which only the beginnings are read.
 * @param stateDirectory that no gateway uses.
 * @throws {Error} with a sentence that names the damaged file.
 */
export function checkState(stateDirectory: string): void {
  const files = join(stateDirectory, "v3");
  const databases = listFiles(join(files, "d1", "miniflare-D1DatabaseObject"), stateDirectory);
  const classes = listFiles(join(files, "do"), stateDirectory);
  const objects = classes.flatMap((directory) => listFiles(directory, stateDirectory));
  for (const file of databases.filter(isSqlite)) requireGood(file, problemOf(file), stateDirectory);
  for (const file of objects.filter(isSqlite)) requireGood(file, problemOfHeader(file), stateDirectory);
}

function isSqlite(file: string): boolean {
  return file.endsWith(".sqlite");
}

function requireGood(file: string, problem: string | null, stateDirectory: string): void {
  if (problem === null) return;
  throw new Error(
    `The state is damaged: ${file} cannot be read (${problem}). Restore ${stateDirectory} from a backup, or start with an empty one: npm start -- --persist-to <directory>`,
  );
}

/** @returns paths; none of a directory that is not there yet. */
function listFiles(directory: string, stateDirectory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      requireGood(directory, messageOf(error), stateDirectory);
    return [];
  }
}

function problemOfHeader(file: string): string | null {
  try {
    const header = Buffer.alloc(sqliteHeader.length);
    const descriptor = openSync(file, "r");
    const length = readSync(descriptor, header, 0, header.length, 0);
    closeSync(descriptor);
    return length === 0 || header.toString("latin1") === sqliteHeader ? null : "file is not a database";
  } catch (error) {
    return messageOf(error);
  }
}

/** @returns null for a file without a problem. */
function problemOf(file: string): string | null {
  try {
    const database = new DatabaseSync(file);
    try {
      const isSmall = statSync(file).size <= checkedBytesMax;
      const check = isSmall ? "PRAGMA quick_check(1)" : "SELECT count(*) AS tables FROM sqlite_schema";
      const { quick_check: outcome = "ok" } = { ...database.prepare(check).get() };
      return outcome === "ok" ? null : String(outcome);
    } finally {
      database.close();
    }
  } catch (error) {
    return messageOf(error);
  }
}
