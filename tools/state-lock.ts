/** The lock on a state directory: one gateway at a time. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "./command-line.ts";

/**
 * Takes the lock and creates the directory. The lock is SQLite's on a file in it, which the system releases with the process,
 * also when that is killed. It is held until the process ends.
 * @param holder says who holds it, for the message to the next one.
 * @throws {Error} with a sentence when another gateway has the directory, or when it cannot be written.
 */
export function lockState(directory: string, holder: string): void {
  const holderFile = join(directory, "gateway.txt");
  const advice = "take another directory: npm start -- --persist-to <directory>";
  try {
    makeDirectory(directory);
    held = new DatabaseSync(join(directory, "gateway.lock"));
    held.exec("BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (by TEXT)");
    writeFileSync(holderFile, holder);
  } catch (error) {
    const message = messageOf(error);
    if (/database is locked/.test(message)) {
      throw new Error(
        `Another gateway uses the state in ${directory}${readHolder(holderFile)}. Stop it, or ${advice}`,
        { cause: error },
      );
    }
    throw new Error(
      `The state directory ${directory} cannot be written (${message}). Mend that, or ${advice}`,
      {
        cause: error,
      },
    );
  }
}

/** Node's own recursive variant never returns where a parent takes no directories, such as in /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  mkdirSync(path);
}

/** Keeps the connection, and with it the lock, from being collected. */
let held: DatabaseSync | undefined;

function readHolder(file: string): string {
  try {
    return ` (${readFileSync(file, "utf8")})`;
  } catch {
    // Another one has taken the lock a moment ago and not written the file yet.
    return "";
  }
}
