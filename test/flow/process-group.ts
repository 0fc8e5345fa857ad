/** The processes of a gateway: `npm start` is a group, and wrangler with its workerd is another one. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** The groups of a gateway that runs. @param starter the process of `npm start`. */
export function groupsOf(starter: number): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid="], { encoding: "utf8" }).split("\n");
  const processes = lines.map((line) => line.trim().split(/\s+/).map(Number));
  const own = processes.filter(([, parent]) => parent === starter).map(([, , group]) => group ?? starter);
  return [...new Set([starter, ...own])];
}

/** Memory that all processes of these groups hold, in bytes. Linux only. */
export function residentBytes(groups: readonly number[]): number {
  const pids = readdirSync("/proc").filter((entry) => groups.some((group) => isLivingIn(entry, group)));
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
