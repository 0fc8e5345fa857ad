/** Runs wrangler as a child process, offline and without asking or telling anything. */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { projectDirectory } from "./project-directory.ts";

const script = join(projectDirectory, "node_modules", "wrangler", "bin", "wrangler.js");

const settings = {
  // Nothing here needs the network: no telemetry, no look for updates (the banner's), no real `request.cf`.
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  WRANGLER_WRITE_LOGS: "false",
  // Either would show stored data to anyone on this machine, without a token.
  X_LOCAL_EXPLORER: "false",
  X_LOCAL_OBSERVABILITY: "false",
};

/** Loaded into wrangler, so that it never outlives the process that started it, however that one ended. */
const endWithParent = `data:text/javascript,process.once("disconnect",()=>process.exit(1))`;

/**
 * Runs one command to its end, silently.
 * @throws {Error} with what the command printed, when it fails; an AbortError when `signal` stopped it.
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
 * Runs `wrangler dev` to its end, showing requests and what the Worker logs. Calls `onListening` when it does.
 * @throws {Error} when it ends by itself; an AbortError when `signal` stopped it.
 */
export async function runWranglerDev(
  args: string[],
  signal: AbortSignal,
  onListening: () => void,
): Promise<never> {
  const child = spawnWrangler({
    nodeArgs: ["--import", endWithParent],
    // Any free port for the inspector, so that two gateways can run side by side. --test-scheduled keeps back
    // a warning that nothing calls the schedules: local-cron.ts does.
    args: ["dev", "--log-level", "info", "--inspector-port", "0", "--test-scheduled", ...args],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    signal,
  });
  child.once("message", onListening);
  await once(child, "exit");
  throw new Error("wrangler dev ended by itself. What it printed above says why.");
}

function spawnWrangler(run: {
  args: string[];
  stdio: StdioOptions;
  signal: AbortSignal;
  nodeArgs?: string[];
}): ChildProcess {
  return spawn(process.execPath, [...(run.nodeArgs ?? []), script, ...run.args], {
    cwd: projectDirectory,
    env: { ...process.env, ...settings },
    stdio: run.stdio,
    signal: run.signal,
  });
}
