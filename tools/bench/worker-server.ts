/** Runs a built Worker in workerd, with real storage on disk and without wrangler's development proxy. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { projectDirectory } from "../project-directory.ts";
import { runWrangler } from "../wrangler.ts";

// Which secrets there are is the bench's own business: it brings them along.
process.env["WRANGLER_LOG"] = "error";

const projectFile = (path: string) => join(projectDirectory, path);

/** A Worker that serves on a port of its own. */
export type WorkerServer = {
  origin: string;
  miniflare: Miniflare;
  /** Of its workerd. */
  pid: number;
  /** What its workerd takes, in bytes. */
  memoryBytes(): number;
  /** The processor time that it has used, in ms. */
  cpuMs(): number;
  /** Ends it and removes its state. */
  stop(): Promise<void>;
};

/**
 * Builds and starts one.
 * @param worker.config its wrangler.toml, from the project's directory on. `entry`: instead of the config's `main`.
 * `bindings` stand before those of the config and of `.dev.vars`.
 */
export async function startWorker(worker: {
  config: string;
  entry?: string;
  bindings?: Record<string, string>;
}): Promise<WorkerServer> {
  const directory = mkdtempSync(join(tmpdir(), "bench-"));
  const built = join(directory, "built");
  await build({ ...worker, built });
  const { workerOptions } = unstable_getMiniflareWorkerOptions(projectFile(worker.config));
  // Rules for bundling: what was built is one file. Assets: two Workers of the development kit would stand in front of
  // this one, for what Cloudflare does elsewhere.
  const { modulesRules: _rules, assets: _assets, ...options } = workerOptions;
  const main = readdirSync(built).find((file) => file.endsWith(".js")) ?? "";
  mkdirSync(join(directory, "state"));
  logToFile(directory);
  const before = childWorkerds();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...options,
      host: "127.0.0.1",
      port: 0,
      resourcePersistencePath: join(directory, "state"),
      log: new Log(LogLevel.ERROR),
      telemetry: { enabled: false },
      cf: false,
      modules: true,
      script: readFileSync(join(built, main), "utf8"),
      bindings: { ...(options.bindings as Record<string, string>), ...worker.bindings },
    }),
  );
  const url = await miniflare.ready;
  const pid = childWorkerds().find((candidate) => !before.includes(candidate)) ?? 0;
  return {
    origin: url.origin,
    miniflare,
    pid,
    memoryBytes: () => memoryOf(pid),
    cpuMs: () => cpuMsOf(pid),
    async stop() {
      await miniflare.dispose();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function build(worker: { config: string; entry?: string; built: string }): Promise<void> {
  const entry = worker.entry === undefined ? [] : [projectFile(worker.entry)];
  const config = ["--config", projectFile(worker.config)];
  const args = ["deploy", ...entry, ...config, "--dry-run", "--outdir", worker.built];
  await runWrangler(args, new AbortController().signal);
}

/**
 * Has the next workerd write what the Worker logs to a file. Miniflare would read and parse each line in this process:
 * in production that is another machine's work.
 */
function logToFile(directory: string): void {
  const { default: workerd } = createRequire(import.meta.resolve("miniflare"))("workerd") as {
    default: string;
  };
  const starter = join(directory, "workerd.sh");
  writeFileSync(starter, `#!/bin/sh\nexec "${workerd}" "$@" > "${join(directory, "log")}"\n`, {
    mode: 0o755,
  });
  process.env["MINIFLARE_WORKERD_PATH"] = starter;
}

/** The processes of workerd that this one has started. */
function childWorkerds(): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" }).split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, name]) => Number(parent) === process.pid && name?.includes("workerd"))
    .map(([pid]) => Number(pid));
}

function memoryOf(pid: number): number {
  return 1024 * Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" }));
}

/** Linux counts it in hundredths of a second. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return (user + system) * 10;
}
