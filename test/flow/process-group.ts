/** The processes of a gateway: `npm start` is a group, and wrangler with its workerd is another one. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** The groups of a gateway that runs. @param starter the process of `npm start`. */
export function groupsOf(starter: number): number[] {
  const own = processes().filter(({ parent }) => parent === starter);
  return [...new Set([starter, ...own.map(({ group }) => group)])];
}

/** Memory that all processes of these groups hold, in bytes. Linux only. */
export function residentBytes(groups: readonly number[]): number {
  const own = processes().filter(({ isZombie, group }) => !isZombie && groups.includes(group));
  return own.reduce((sum, { pid }) => sum + residentBytesOf(pid), 0);
}

/** Zombies do not count: a container's init may take its time to bury them, or never do it. */
export function hasLivingProcess(group: number): boolean {
  return processes().some((one) => !one.isZombie && one.group === group);
}

type ProcessEntry = { pid: number; isZombie: boolean; parent: number; group: number };

/** All processes. Linux lists them in /proc: its slim images have no `ps`. */
function processes(): ProcessEntry[] {
  if (process.platform === "linux") {
    return readdirSync("/proc").flatMap((entry) => (/^\d+$/.test(entry) ? readProcess(entry) : []));
  }
  const lines = execFileSync("ps", ["-A", "-o", "pid=,state=,ppid=,pgid="], { encoding: "utf8" });
  return lines
    .trim()
    .split("\n")
    .map((line) => entryOf(line.trim().split(/\s+/)));
}

/** `stat` reads `pid (command) state parent group …`. */
function readProcess(pid: string): ProcessEntry[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return [entryOf([pid, ...stat.slice(stat.lastIndexOf(")") + 2).split(" ")])];
  } catch {
    // It ended while it was looked at.
    return [];
  }
}

function entryOf([pid, state = "", parent, group]: string[]): ProcessEntry {
  return {
    pid: Number(pid),
    isZombie: state.startsWith("Z"),
    parent: Number(parent),
    group: Number(group),
  };
}

/** 0 for a process that has ended meanwhile. */
function residentBytesOf(pid: number): number {
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
