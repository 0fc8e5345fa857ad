/** The real gateway, started as `npm start` does, on a free port and with a state directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectDirectory } from "../../tools/project-directory.ts";
import { eventually } from "./eventually.ts";
import { freshState } from "./pool-client.ts";
import { groupsOf, hasLivingProcess, isSignalled } from "./process-group.ts";

const ready = /Local API token: (\S+)[\s\S]*Ctrl-C stops the gateway/;

/** Where a gateway is called, and the token that may do everything there. */
export type GatewayAddress = { readonly url: string; readonly token: string };

/** More arguments of `npm start`, and more variables for it. */
export type StartOptions = { args?: string[]; env?: Record<string, string> };

/** A gateway that can be stopped in every way and started again on the same state. */
export class Gateway implements GatewayAddress {
  readonly #directory = mkdtempSync(join(tmpdir(), "gateway-flow-"));
  #process: ChildProcess | undefined;
  #output = "";
  readonly port: number;
  readonly #how: StartOptions;
  token = "";

  private constructor(port: number, how: StartOptions) {
    this.port = port;
    this.#how = how;
  }

  /** Starts one. Whoever does ends it with `remove()`. @param state a directory with its tables, which it copies. */
  static async start(state?: string, how: StartOptions = {}): Promise<Gateway> {
    const gateway = new Gateway(await freePort(), how);
    running.add(gateway);
    try {
      cpSync(state ?? (await freshState()), stateIn(gateway.#directory), { recursive: true });
      await gateway.start();
    } catch (error) {
      await gateway.remove();
      throw error;
    }
    return gateway;
  }

  get stateDirectory(): string {
    return stateIn(this.#directory);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Everything printed since the latest start. */
  get output(): string {
    return this.#output;
  }

  /** Starts again, as before unless `how` is given, on the same port and state, and waits until it serves: for as long as its process lives. */
  async start(how = this.#how): Promise<void> {
    this.#output = "";
    const child = startProcess(this.port, this.#directory, how);
    this.#process = child;
    const { promise: serves, resolve, reject } = Promise.withResolvers<string>();
    const collect = (chunk: Buffer) => {
      this.#output += chunk.toString();
      const [, token] = ready.exec(this.#output) ?? [];
      if (token !== undefined) resolve(token);
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`npm start ended with ${code}:\n${this.#output}`)));
    this.token = await serves;
  }

  /** Stops it as Ctrl-C does, and returns its exit code when nothing of it runs any more. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const child = this.#process;
    if (child?.pid === undefined) return null;
    const { groups } = this;
    const exited = child.exitCode === null ? once(child, "exit") : undefined;
    // A terminal signals the whole group.
    isSignalled(-child.pid, signal);
    await exited;
    await this.#gone(groups);
    return child.exitCode;
  }

  /** Sends a second SIGINT once the first one is known to be handled: the process ends by itself otherwise. */
  async interruptAgain(): Promise<void> {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    await eventually(
      "the process has ended",
      () => !isSignalled(pid, "SIGINT") || this.#process === undefined,
    );
  }

  /** Kills the whole tree of processes at once: nobody gets to tidy up. */
  async kill(): Promise<void> {
    const { groups } = this;
    this.killNow();
    await this.#gone(groups);
  }

  /** Kills only the process that `npm start` started, which then can stop nothing itself. */
  async killStarter(): Promise<void> {
    const { groups } = this;
    const pid = this.#process?.pid;
    if (pid !== undefined) isSignalled(pid, "SIGKILL");
    await this.#gone(groups);
  }

  killNow(): void {
    for (const group of this.groups) isSignalled(-group, "SIGKILL");
  }

  /** Of all its processes; none while it does not run. */
  get groups(): number[] {
    const pid = this.#process?.pid;
    return pid === undefined ? [] : groupsOf(pid);
  }

  /** Ends it, whatever state it is in, and removes its state. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
    running.delete(this);
  }

  async #gone(groups: readonly number[]): Promise<void> {
    const isGone = () => !groups.some((group) => hasLivingProcess(group));
    await eventually("every process of the gateway is gone", isGone);
    this.#process = undefined;
  }
}

// A test run that is cut off leaves nothing behind either.
const running = new Set<Gateway>();
process.once("exit", () => {
  for (const gateway of running) gateway.killNow();
});

/**
 * `npm start`, in a process group of its own so that it can be killed as a whole, with its state and its temporary
 * files in `directory`: who is killed does not tidy up.
 */
export function startProcess(port: number, directory: string, how: StartOptions = {}): ChildProcess {
  const options = ["--port", `${port}`, "--persist-to", stateIn(directory)];
  return spawn(process.execPath, ["tools/start.ts", ...options, ...(how.args ?? [])], {
    cwd: projectDirectory,
    env: { ...process.env, TMPDIR: directory, ...how.env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function stateIn(directory: string): string {
  return join(directory, "state");
}

/**
 * A port that nobody listens on now. Not one that the system gives out by itself (Linux: from 32,768 on): any connection of
 * another test might be given it before the gateway is there, or while it is stopped.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, "127.0.0.1");
  try {
    await once(probe, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
  probe.close();
  await once(probe, "close");
  return true;
}
