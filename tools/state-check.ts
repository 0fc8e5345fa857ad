/** Checks that the local database can be read, before workerd opens it: its own errors name no file. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "./command-line.ts";

/** Larger files are only opened: a full check reads every page. */
const checkedBytesMax = 50_000_000;

/**
 * @param stateDirectory that no gateway uses.
 * @throws {Error} with a sentence that names the damaged file.
 */
export function checkState(stateDirectory: string): void {
  const directory = join(stateDirectory, "v3", "d1", "miniflare-D1DatabaseObject");
  for (const name of listSqliteFiles(directory)) {
    const file = join(directory, name);
    const problem = problemOf(file);
    if (problem === null) continue;
    throw new Error(
      `The state is damaged: ${file} cannot be read (${problem}). Restore ${stateDirectory} from a backup, or start with an empty one: npm start -- --persist-to <directory>`,
    );
  }
}

function listSqliteFiles(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith(".sqlite"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
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
