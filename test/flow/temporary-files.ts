/**
 * Before all tests: puts the temporary files of the run, its databases above all, into memory where there is room. Each
 * test begins with empty ones, and would wait for the disk each time.
 */
import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** Where Linux keeps files in memory. */
const memory = "/dev/shm";
/** Several times as much as a run needs at once. In a container the directory often has no more than 64 MB. */
const freeBytesMin = 4 * 1024 ** 3;

/** @returns what removes them. */
export default function keepTemporaryFilesInMemory(): (() => void) | undefined {
  if (!existsSync(memory)) return;
  const { bavail, bsize } = statfsSync(memory);
  if (bavail * bsize < freeBytesMin) return;
  const directory = mkdtempSync(join(memory, "orchest-webhooks-"));
  process.env["TMPDIR"] = directory;
  const remove = () => rmSync(directory, { recursive: true, force: true });
  // A run that is cut off leaves nothing behind either.
  process.once("exit", remove);
  return remove;
}
