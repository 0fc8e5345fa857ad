/** Notices the end of npm, which does not pass SIGTERM on to its scripts. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const everyMs = 500;

/**
 * Calls `onEnd` once when the npm that runs this process has ended, or the shell between the two. Does nothing for a process
 * that npm did not start, or on Windows, where npm's children end with it.
 */
export function watchNpm(onEnd: () => void): void {
  if (process.env["npm_lifecycle_event"] === undefined || process.platform === "win32") return;
  const ancestors = [process.ppid, ...parentOfShell(process.ppid)];
  const timer = setInterval(() => {
    if (process.ppid === ancestors[0] && ancestors.every(isRunning)) return;
    clearInterval(timer);
    onEnd();
  }, everyMs);
  timer.unref();
}

/**
 * @returns the parent of a process that is a shell; none for another one, because npm is the parent itself then, and where
 *   it cannot be looked up.
 */
function parentOfShell(pid: number): number[] {
  try {
    const { parent, command } = process.platform === "linux" ? readProcess(pid) : askPs(pid);
    return /^-?(?:ba|da|z|k)?sh$/.test(basename(command)) ? [parent] : [];
  } catch {
    // The process has ended, or this machine shows none.
    return [];
  }
}

type ProcessEntry = { parent: number; command: string };

/** Slim images of Linux have no `ps`. The file reads `pid (command) state parent …`, where a command may contain brackets. */
function readProcess(pid: number): ProcessEntry {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const end = stat.lastIndexOf(")");
  const [, parent] = stat.slice(end + 2).split(" ");
  return { parent: Number(parent), command: stat.slice(stat.indexOf("(") + 1, end) };
}

function askPs(pid: number): ProcessEntry {
  const line = execFileSync("ps", ["-o", "ppid=,comm=", "-p", String(pid)], { encoding: "utf8" }).trim();
  const [parent, ...command] = line.split(/\s+/);
  return { parent: Number(parent), command: command.join(" ") };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // The process of another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
