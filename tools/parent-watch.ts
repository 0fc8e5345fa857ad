/** Notices the end of npm, which does not pass SIGTERM on to its scripts. */
import { execFileSync } from "node:child_process";
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

/** @returns the parent of a process that is a shell; none for another one: npm is the parent itself then. */
function parentOfShell(pid: number): number[] {
  const line = execFileSync("ps", ["-o", "ppid=,comm=", "-p", String(pid)], { encoding: "utf8" }).trim();
  const [parent, ...command] = line.split(/\s+/);
  return /^-?(?:ba|da|z|k)?sh$/.test(basename(command.join(" "))) ? [Number(parent)] : [];
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // The process of another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
