/** The processes of a gateway, which are one group: as the system tells of them, and as it ends them. */
import { readdirSync, readFileSync } from "node:fs";

/** Memory that all processes of a group hold, in bytes. Linux only. */
export function residentBytes(group: number): number {
  const pids = readdirSync("/proc").filter((entry) => isLivingIn(entry, group));
  return pids.reduce((sum, pid) => sum + residentBytesOf(pid), 0);
}

/** Zombies do not count: a container's init may take its time to bury them, or never do it. */
export function hasLivingProcess(group: number): boolean {
  if (process.platform === "linux") return readdirSync("/proc").some((entry) => isLivingIn(entry, group));
  return isSignalled(-group, 0);
}

/** `entry` is a process of /proc; its `stat` reads `pid (command) state parent group …`. */
function isLivingIn(entry: string, group: number): boolean {
  if (!/^\d+$/.test(entry)) return false;
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
    const [state, , processGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state !== "Z" && Number(processGroup) === group;
  } catch {
    // It ended while it was looked at.
    return false;
  }
}

/** 0 for a process that has ended meanwhile. */
function residentBytesOf(pid: string): number {
  try {
    const [, kilobytes = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}

/** False when there is no such process or group. */
export function isSignalled(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
