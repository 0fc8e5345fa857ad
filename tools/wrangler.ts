/** Runs wrangler as a child process, offline and without prompts. */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { projectDirectory } from "./project-directory.ts";

const script = join(projectDirectory, "node_modules", "wrangler", "bin", "wrangler.js");

const settings = {
  // No network access: no telemetry, no update check (made by the banner), no real `request.cf`.
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  WRANGLER_WRITE_LOGS: "false",
  // Both would show stored data to anyone on this machine without a token.
  X_LOCAL_EXPLORER: "false",
  X_LOCAL_OBSERVABILITY: "false",
};

/** A module loaded into wrangler that makes it exit when its parent process does, even when that one is killed. */
const exitWithParent = `data:text/javascript,process.once("disconnect",()=>process.exit(1))`;

/**
 * Runs a command without printing its output.
 * @throws {Error} with the output when the command fails; an AbortError when `signal` stopped it.
 */
export async function runWrangler(args: string[], signal: AbortSignal): Promise<void> {
  const child = spawnWrangler({ args, stdio: ["ignore", "pipe", "pipe"], signal });
  let printed = "";
  const collect = (chunk: Buffer) => (printed += chunk.toString());
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  const [exitCode] = await once(child, "close");
  if (exitCode !== 0) throw new Error(`wrangler ${args.join(" ")} failed:\n${printed}`);
}

/**
 * Runs `wrangler dev`, with its requests and the Worker's log on standard output. Calls `onListening` once it listens.
 * @throws {Error} when it exits by itself; an AbortError when `signal` stopped it.
 */
export async function runWranglerDev(
  args: string[],
  signal: AbortSignal,
  onListening: () => void,
): Promise<never> {
  const child = spawnWrangler({
    // A process group of its own: Ctrl-C in a terminal signals the whole group, and would end attempts under way.
    isDetached: process.platform !== "win32",
    nodeArgs: ["--import", exitWithParent],
    // The inspector uses any free port, so that several gateways can run. --test-scheduled suppresses the warning that
    // nothing calls the cron triggers: local-cron.ts does.
    args: ["dev", "--log-level", "info", "--inspector-port", "0", "--test-scheduled", ...args],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    signal,
  });
  child.once("message", onListening);
  await once(child, "exit");
  throw new Error("wrangler dev exited by itself. Its output above says why.");
}

function spawnWrangler(run: {
  args: string[];
  stdio: StdioOptions;
  signal: AbortSignal;
  nodeArgs?: string[];
  isDetached?: boolean;
}): ChildProcess {
  return spawn(process.execPath, [...(run.nodeArgs ?? []), script, ...run.args], {
    cwd: projectDirectory,
    env: { ...process.env, ...settings },
    stdio: run.stdio,
    signal: run.signal,
    detached: run.isDetached ?? false,
  });
}
